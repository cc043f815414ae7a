-- Frameworks and their clauses as versioned data, what counts as evidence for them, and the links people make.
--
-- The tables altered here hold few rows before these features exist, and a file runs in one transaction, in which
-- nothing can be built concurrently.
-- squawk-ignore-file require-concurrent-index-creation, require-concurrent-index-deletion, adding-foreign-key-constraint
-- squawk-ignore-file constraint-missing-not-valid, adding-not-nullable-field, disallowed-unique-constraint
-- Numbers and titles are facts; the text of a standard belongs to its publisher and is not here.

CREATE TABLE qms.frameworks (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    key text NOT NULL CHECK (key ~ '^[a-z][a-z0-9-]{1,40}$'),
    version text NOT NULL CHECK (btrim(version) <> ''),
    name text NOT NULL UNIQUE CHECK (btrim(name) <> ''),
    title text NOT NULL,
    publisher text NOT NULL,
    note text,
    in_force_from date NOT NULL,
    in_force_until date CHECK (in_force_until >= in_force_from),
    successor_id uuid REFERENCES qms.frameworks (id),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (key, version)
);
COMMENT ON TABLE qms.frameworks IS
'Standards and regulations, a row for each version. The same for every organization; a migration adds versions.';
COMMENT ON COLUMN qms.frameworks.name IS 'As people cite it, for example ISO 13485:2016.';
COMMENT ON COLUMN qms.frameworks.successor_id IS 'The version or framework that took its place.';
CREATE INDEX frameworks_successor ON qms.frameworks (successor_id);

CREATE TABLE qms.clauses (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    framework_id uuid NOT NULL REFERENCES qms.frameworks (id),
    number text NOT NULL CHECK (number ~ '^[0-9]+(\.[0-9]+)*(\([a-z0-9]+\))*$'),
    title text NOT NULL CHECK (btrim(title) <> '' AND length(title) <= 120),
    parent text CHECK (parent <> number),
    kind text NOT NULL CHECK (kind IN ('heading', 'requirement', 'reference')),
    -- Numbers sort as people count: 8.5.2 before 8.10.
    sort_key text COLLATE "C" NOT NULL GENERATED ALWAYS AS (
        regexp_replace(regexp_replace(number, '([0-9]+)', '00\1', 'g'), '[0-9]*([0-9]{3})', '\1', 'g')
    ) STORED,
    UNIQUE (framework_id, number),
    FOREIGN KEY (framework_id, parent) REFERENCES qms.clauses (framework_id, number)
);
COMMENT ON TABLE qms.clauses IS 'The clauses of a framework: number and short title only.';
COMMENT ON COLUMN qms.clauses.kind IS
'heading: its parts hold the requirements. requirement: evidence is looked for. reference: scope, definitions.';
CREATE INDEX clauses_order ON qms.clauses (framework_id, sort_key);
CREATE INDEX clauses_parent ON qms.clauses (framework_id, parent);

CREATE TABLE qms.clause_map (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    from_clause_id uuid NOT NULL REFERENCES qms.clauses (id),
    to_clause_id uuid NOT NULL REFERENCES qms.clauses (id),
    relation text NOT NULL CHECK (relation IN ('replaced_by', 'adds_to')),
    checked boolean NOT NULL DEFAULT false,
    note text,
    UNIQUE (from_clause_id, to_clause_id)
);
COMMENT ON TABLE qms.clause_map IS 'Where a clause of one framework lives on in another.';
COMMENT ON COLUMN qms.clause_map.checked IS 'False: from general knowledge, to be checked by somebody before it is relied on.';
CREATE INDEX clause_map_to ON qms.clause_map (to_clause_id);

CREATE TABLE qms.clause_evidence_rules (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    clause_id uuid NOT NULL REFERENCES qms.clauses (id),
    source text NOT NULL CHECK (
        source IN (
            'records', 'calibrations', 'capa_actions', 'dispositions', 'transitions', 'trail', 'signatures', 'links'
        )
    ),
    category text,
    wanted text [],
    looked_for text NOT NULL CHECK (btrim(looked_for) <> ''),
    max_age_days integer CHECK (max_age_days > 0),
    UNIQUE NULLS NOT DISTINCT (clause_id, source, category),
    CONSTRAINT records_in_states CHECK ((source = 'records') = (category IS NOT NULL)),
    CONSTRAINT wanted_where_it_means_something CHECK (
        (source IN ('records', 'capa_actions', 'dispositions', 'trail')) = (wanted IS NOT NULL)
    )
);
COMMENT ON TABLE qms.clause_evidence_rules IS
'What counts as evidence for a clause by itself: records of a type in certain states, parts of records, steps taken, '
'the trail, signatures. links: only what somebody links can show it.';
COMMENT ON COLUMN qms.clause_evidence_rules.wanted IS 'States of the records, types of the parts, or actions in the trail ("*": any).';
COMMENT ON COLUMN qms.clause_evidence_rules.max_age_days IS 'Older evidence is stale; empty: the interval of the organization.';
COMMENT ON COLUMN qms.clause_evidence_rules.looked_for IS 'The same in words.';

DO $$
DECLARE
    shared text;
BEGIN
    FOREACH shared IN ARRAY ARRAY['frameworks', 'clauses', 'clause_map', 'clause_evidence_rules'] LOOP
        EXECUTE format('GRANT SELECT ON qms.%I TO qms_app, qms_sql, qms_definer', shared);
        EXECUTE format(
            'CREATE TRIGGER never_deleted BEFORE DELETE ON qms.%I FOR EACH ROW EXECUTE FUNCTION qms.refuse_change()',
            shared
        );
        EXECUTE format(
            'CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.%I '
            'FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change()', shared
        );
    END LOOP;
END
$$;

-- For this migration and those that add versions later: only their owner may call it.
CREATE FUNCTION qms_private.add_clauses(of_framework text, lines text) RETURNS integer
LANGUAGE sql SET search_path = ''
AS $$
    WITH listed AS (
        SELECT
            split_part(l.line, ' ', 1) AS number,
            regexp_replace(substr(l.line, strpos(l.line, ' ') + 1), ' \[reference\]$', '') AS title,
            l.line LIKE '% [reference]' AS is_reference
        FROM regexp_split_to_table(btrim(lines, E'\n'), E'\n') AS l (line)
    ),
    placed AS (
        SELECT
            c.number,
            c.title,
            c.is_reference,
            (
                SELECT p.number
                FROM listed AS p
                WHERE
                    left(c.number, length(p.number)) = p.number
                    AND substr(c.number, length(p.number) + 1, 1) IN ('.', '(')
                ORDER BY length(p.number) DESC
                LIMIT 1
            ) AS parent
        FROM listed AS c
    ),
    added AS (
        INSERT INTO qms.clauses (framework_id, number, title, parent, kind)
        SELECT
            f.id,
            p.number,
            p.title,
            p.parent,
            CASE
                WHEN p.is_reference THEN 'reference'
                WHEN EXISTS (SELECT FROM placed AS below WHERE below.parent = p.number) THEN 'heading'
                ELSE 'requirement'
            END
        FROM placed AS p
        INNER JOIN qms.frameworks AS f ON f.name = of_framework
        RETURNING id
    )
    SELECT count(*)::integer FROM added
$$;
COMMENT ON FUNCTION qms_private.add_clauses(text, text) IS
'Adds clauses to a framework, one a line: number, title. Parents follow from the numbers; headings are those with parts.';

-- The frameworks ---------------------------------------------------------------------------------------------------------

INSERT INTO qms.frameworks (key, version, name, title, publisher, in_force_from, in_force_until, note) VALUES
(
    'iso-9001', '2015', 'ISO 9001:2015', 'Quality management systems: requirements', 'ISO', '2015-09-15', NULL,
    'With Amendment 1:2024 (climate change is considered under 4.1 and 4.2). A revision was in preparation in 2026.'
),
(
    'iso-13485', '2016', 'ISO 13485:2016', 'Medical devices: quality management systems for regulatory purposes', 'ISO',
    '2016-03-01', NULL, 'Incorporated by reference in 21 CFR 820.7. The titles of 4.1.1 to 4.1.6 are ours.'
),
(
    'fda-qmsr', '2026', '21 CFR 820 QMSR', 'Quality Management System Regulation', 'FDA', '2026-02-02', NULL,
    'Incorporates ISO 13485:2016: look at that framework too. Titles of paragraphs are ours.'
),
(
    'fda-qsr', '1996', '21 CFR 820 QSR', 'Quality System Regulation (legacy)', 'FDA', '1997-06-01', '2026-02-01',
    'Replaced by the QMSR. Kept because older records and letters cite it; its map is to be checked before use.'
),
(
    'part-11', '1997', '21 CFR Part 11', 'Electronic records; electronic signatures', 'FDA', '1997-08-20', NULL,
    'Titles of paragraphs are ours.'
),
(
    'annex-11', '2011', 'EU GMP Annex 11', 'Computerised systems', 'European Commission', '2011-06-30', NULL,
    'A revision and a new Annex 22 were in consultation in 2025. Titles of paragraphs are ours.'
),
('ich-q10', '2008', 'ICH Q10', 'Pharmaceutical quality system', 'ICH', '2008-06-04', NULL, NULL);

UPDATE qms.frameworks AS f SET successor_id = n.id
FROM qms.frameworks AS n
WHERE f.key = 'fda-qsr' AND n.key = 'fda-qmsr';

-- Clauses: number and title, one a line ---------------------------------------------------------------------------------

SELECT qms_private.add_clauses('ISO 9001:2015', $$
4 Context of the organization
4.1 Understanding the organization and its context
4.2 Understanding the needs and expectations of interested parties
4.3 Determining the scope of the quality management system
4.4 Quality management system and its processes
5 Leadership
5.1 Leadership and commitment
5.1.1 General
5.1.2 Customer focus
5.2 Policy
5.2.1 Establishing the quality policy
5.2.2 Communicating the quality policy
5.3 Organizational roles, responsibilities and authorities
6 Planning
6.1 Actions to address risks and opportunities
6.2 Quality objectives and planning to achieve them
6.3 Planning of changes
7 Support
7.1 Resources
7.1.1 General
7.1.2 People
7.1.3 Infrastructure
7.1.4 Environment for the operation of processes
7.1.5 Monitoring and measuring resources
7.1.6 Organizational knowledge
7.2 Competence
7.3 Awareness
7.4 Communication
7.5 Documented information
7.5.1 General
7.5.2 Creating and updating
7.5.3 Control of documented information
8 Operation
8.1 Operational planning and control
8.2 Requirements for products and services
8.2.1 Customer communication
8.2.2 Determining the requirements for products and services
8.2.3 Review of the requirements for products and services
8.2.4 Changes to requirements for products and services
8.3 Design and development of products and services
8.3.1 General
8.3.2 Design and development planning
8.3.3 Design and development inputs
8.3.4 Design and development controls
8.3.5 Design and development outputs
8.3.6 Design and development changes
8.4 Control of externally provided processes, products and services
8.4.1 General
8.4.2 Type and extent of control
8.4.3 Information for external providers
8.5 Production and service provision
8.5.1 Control of production and service provision
8.5.2 Identification and traceability
8.5.3 Property belonging to customers or external providers
8.5.4 Preservation
8.5.5 Post-delivery activities
8.5.6 Control of changes
8.6 Release of products and services
8.7 Control of nonconforming outputs
9 Performance evaluation
9.1 Monitoring, measurement, analysis and evaluation
9.1.1 General
9.1.2 Customer satisfaction
9.1.3 Analysis and evaluation
9.2 Internal audit
9.3 Management review
9.3.1 General
9.3.2 Management review inputs
9.3.3 Management review outputs
10 Improvement
10.1 General
10.2 Nonconformity and corrective action
10.3 Continual improvement
$$);

SELECT qms_private.add_clauses('ISO 13485:2016', $$
4 Quality management system
4.1 General requirements
4.1.1 Documented system and roles of the organization
4.1.2 Processes and risk-based approach
4.1.3 Operation and monitoring of processes
4.1.4 Changes of processes
4.1.5 Outsourced processes
4.1.6 Validation of software used in the system
4.2 Documentation requirements
4.2.1 General
4.2.2 Quality manual
4.2.3 Medical device file
4.2.4 Control of documents
4.2.5 Control of records
5 Management responsibility
5.1 Management commitment
5.2 Customer focus
5.3 Quality policy
5.4 Planning
5.4.1 Quality objectives
5.4.2 Quality management system planning
5.5 Responsibility, authority and communication
5.5.1 Responsibility and authority
5.5.2 Management representative
5.5.3 Internal communication
5.6 Management review
5.6.1 General
5.6.2 Review input
5.6.3 Review output
6 Resource management
6.1 Provision of resources
6.2 Human resources
6.3 Infrastructure
6.4 Work environment and contamination control
6.4.1 Work environment
6.4.2 Contamination control
7 Product realization
7.1 Planning of product realization
7.2 Customer-related processes
7.2.1 Determination of requirements related to product
7.2.2 Review of requirements related to product
7.2.3 Communication
7.3 Design and development
7.3.1 General
7.3.2 Design and development planning
7.3.3 Design and development inputs
7.3.4 Design and development outputs
7.3.5 Design and development review
7.3.6 Design and development verification
7.3.7 Design and development validation
7.3.8 Design and development transfer
7.3.9 Control of design and development changes
7.3.10 Design and development files
7.4 Purchasing
7.4.1 Purchasing process
7.4.2 Purchasing information
7.4.3 Verification of purchased product
7.5 Production and service provision
7.5.1 Control of production and service provision
7.5.2 Cleanliness of product
7.5.3 Installation activities
7.5.4 Servicing activities
7.5.5 Particular requirements for sterile medical devices
7.5.6 Validation of processes for production and service provision
7.5.7 Particular requirements for validation of processes for sterilization and sterile barrier systems
7.5.8 Identification
7.5.9 Traceability
7.5.9.1 General
7.5.9.2 Particular requirements for implantable medical devices
7.5.10 Customer property
7.5.11 Preservation of product
7.6 Control of monitoring and measuring equipment
8 Measurement, analysis and improvement
8.1 General
8.2 Monitoring and measurement
8.2.1 Feedback
8.2.2 Complaint handling
8.2.3 Reporting to regulatory authorities
8.2.4 Internal audit
8.2.5 Monitoring and measurement of processes
8.2.6 Monitoring and measurement of product
8.3 Control of nonconforming product
8.3.1 General
8.3.2 Actions in response to nonconforming product detected before delivery
8.3.3 Actions in response to nonconforming product detected after delivery
8.3.4 Rework
8.4 Analysis of data
8.5 Improvement
8.5.1 General
8.5.2 Corrective action
8.5.3 Preventive action
$$);

SELECT qms_private.add_clauses('21 CFR 820 QMSR', $$
820.1 Scope [reference]
820.3 Definitions [reference]
820.7 Incorporation by reference of ISO 13485:2016 [reference]
820.10 Requirements for a quality management system
820.10(a) Documented quality management system
820.10(b) Applicable regulatory requirements
820.10(b)(1) Identification: unique device identification, part 830
820.10(b)(2) Traceability: device tracking, part 821
820.10(b)(3) Reporting to the authority: device reports, part 803
820.10(b)(4) Advisory notices: corrections and removals, part 806
820.10(c) Design and development: which devices it applies to
820.10(d) Traceability of devices that support or sustain life
820.10(e) Enforcement [reference]
820.35 Control of records
820.35(a) Records of complaints
820.35(b) Records of servicing activities
820.35(c) Unique device identification in records
820.35(d) Confidentiality
820.45 Device labeling and packaging controls
820.45(a) Examination for accuracy
820.45(b) Documented release of labeling
820.45(c) Prevention of mixups
$$);

SELECT qms_private.add_clauses('21 CFR 820 QSR', $$
820.1 Scope [reference]
820.3 Definitions [reference]
820.5 Quality system
820.20 Management responsibility
820.22 Quality audit
820.25 Personnel
820.30 Design controls
820.40 Document controls
820.50 Purchasing controls
820.60 Identification
820.65 Traceability
820.70 Production and process controls
820.72 Inspection, measuring, and test equipment
820.75 Process validation
820.80 Receiving, in-process, and finished device acceptance
820.86 Acceptance status
820.90 Nonconforming product
820.100 Corrective and preventive action
820.120 Device labeling
820.130 Device packaging
820.140 Handling
820.150 Storage
820.160 Distribution
820.170 Installation
820.180 General requirements for records
820.181 Device master record
820.184 Device history record
820.186 Quality system record
820.198 Complaint files
820.200 Servicing
820.250 Statistical techniques
$$);

SELECT qms_private.add_clauses('21 CFR Part 11', $$
11.1 Scope [reference]
11.2 Implementation [reference]
11.3 Definitions [reference]
11.10 Controls for closed systems
11.10(a) Validation of systems
11.10(b) Copies of records for inspection
11.10(c) Protection and retrieval of records
11.10(d) Access limited to authorized individuals
11.10(e) Audit trail
11.10(f) Enforced sequence of steps
11.10(g) Authority checks
11.10(h) Device checks
11.10(i) Education, training and experience
11.10(j) Accountability for actions under a signature
11.10(k) Control of systems documentation
11.30 Controls for open systems
11.50 Signature manifestations
11.50(a) Printed name, date and time, meaning
11.50(b) Manifestation in every readable form
11.70 Signature/record linking
11.100 General requirements for electronic signatures
11.100(a) Unique to one individual
11.100(b) Identity verified before issue
11.100(c) Certification to the agency
11.200 Electronic signature components and controls
11.200(a) Signatures not based on biometrics
11.200(b) Signatures based on biometrics
11.300 Controls for identification codes/passwords
11.300(a) Uniqueness of each combination
11.300(b) Issuances checked, recalled or revised
11.300(c) Loss management
11.300(d) Safeguards against unauthorized use
11.300(e) Testing of devices
$$);

SELECT qms_private.add_clauses('EU GMP Annex 11', $$
1 Risk Management
2 Personnel
3 Suppliers and Service Providers
3.1 Formal agreements with responsibilities
3.2 Competence of suppliers and need for an audit
3.3 Documentation of commercial products reviewed
3.4 Audit information available to inspectors
4 Validation
4.1 Documents and reports over the life cycle
4.2 Changes and deviations during validation
4.3 Inventory of systems
4.4 User requirements
4.5 Development under a quality system
4.6 Assessment of bespoke systems
4.7 Test methods and scenarios
4.8 Data transfer
5 Data
6 Accuracy Checks
7 Data Storage
7.1 Protection against damage
7.2 Back-ups
8 Printouts
8.1 Clear printed copies
8.2 Changes since the original entry
9 Audit Trails
10 Change and Configuration Management
11 Periodic evaluation
12 Security
12.1 Access by authorised persons
12.2 Extent of security controls
12.3 Access authorisations recorded
12.4 Identity of operators recorded
13 Incident Management
14 Electronic Signature
15 Batch release
16 Business Continuity
17 Archiving
$$);

SELECT qms_private.add_clauses('ICH Q10', $$
1 Pharmaceutical Quality System
2 Management Responsibility
2.1 Management Commitment
2.2 Quality Policy
2.3 Quality Planning
2.4 Resource Management
2.5 Internal Communication
2.6 Management Review
2.7 Management of Outsourced Activities and Purchased Materials
2.8 Management of Change in Product Ownership
3 Continual Improvement of Process Performance and Product Quality
3.1 Lifecycle Stage Goals
3.2 Pharmaceutical Quality System Elements
3.2.1 Process Performance and Product Quality Monitoring System
3.2.2 Corrective Action and Preventive Action (CAPA) System
3.2.3 Change Management System
3.2.4 Management Review of Process Performance and Product Quality
4 Continual Improvement of the Pharmaceutical Quality System
4.1 Management Review of the Pharmaceutical Quality System
4.2 Monitoring of Internal and External Factors Impacting the PQS
4.3 Outcomes of Management Review and Monitoring
$$);

-- Where clauses live on: the legacy regulation in its successors (to be checked), and what the QMSR adds to (it says so). -

INSERT INTO qms.clause_map (from_clause_id, to_clause_id, relation, checked, note)
SELECT o.id, n.id, m.relation, m.checked, CASE WHEN NOT m.checked THEN 'to be checked' END
FROM (
    VALUES
    ('fda-qsr', '820.5', 'iso-13485', '4.1', 'replaced_by', false),
    ('fda-qsr', '820.20', 'iso-13485', '5', 'replaced_by', false),
    ('fda-qsr', '820.22', 'iso-13485', '8.2.4', 'replaced_by', false),
    ('fda-qsr', '820.25', 'iso-13485', '6.2', 'replaced_by', false),
    ('fda-qsr', '820.30', 'iso-13485', '7.3', 'replaced_by', false),
    ('fda-qsr', '820.40', 'iso-13485', '4.2.4', 'replaced_by', false),
    ('fda-qsr', '820.50', 'iso-13485', '7.4', 'replaced_by', false),
    ('fda-qsr', '820.60', 'iso-13485', '7.5.8', 'replaced_by', false),
    ('fda-qsr', '820.65', 'iso-13485', '7.5.9', 'replaced_by', false),
    ('fda-qsr', '820.70', 'iso-13485', '6.3', 'replaced_by', false),
    ('fda-qsr', '820.70', 'iso-13485', '6.4', 'replaced_by', false),
    ('fda-qsr', '820.70', 'iso-13485', '7.5.1', 'replaced_by', false),
    ('fda-qsr', '820.70', 'iso-13485', '4.1.6', 'replaced_by', false),
    ('fda-qsr', '820.72', 'iso-13485', '7.6', 'replaced_by', false),
    ('fda-qsr', '820.75', 'iso-13485', '7.5.6', 'replaced_by', false),
    ('fda-qsr', '820.80', 'iso-13485', '8.2.6', 'replaced_by', false),
    ('fda-qsr', '820.86', 'iso-13485', '8.2.6', 'replaced_by', false),
    ('fda-qsr', '820.90', 'iso-13485', '8.3', 'replaced_by', false),
    ('fda-qsr', '820.100', 'iso-13485', '8.5.2', 'replaced_by', false),
    ('fda-qsr', '820.100', 'iso-13485', '8.5.3', 'replaced_by', false),
    ('fda-qsr', '820.100', 'iso-13485', '8.4', 'replaced_by', false),
    ('fda-qsr', '820.140', 'iso-13485', '7.5.11', 'replaced_by', false),
    ('fda-qsr', '820.150', 'iso-13485', '7.5.11', 'replaced_by', false),
    ('fda-qsr', '820.170', 'iso-13485', '7.5.3', 'replaced_by', false),
    ('fda-qsr', '820.180', 'iso-13485', '4.2.5', 'replaced_by', false),
    ('fda-qsr', '820.181', 'iso-13485', '4.2.3', 'replaced_by', false),
    ('fda-qsr', '820.184', 'iso-13485', '7.5.1', 'replaced_by', false),
    ('fda-qsr', '820.198', 'iso-13485', '8.2.2', 'replaced_by', false),
    ('fda-qsr', '820.200', 'iso-13485', '7.5.4', 'replaced_by', false),
    ('fda-qsr', '820.250', 'iso-13485', '8.1', 'replaced_by', false),
    ('fda-qsr', '820.250', 'iso-13485', '8.4', 'replaced_by', false),
    ('fda-qsr', '820.120', 'fda-qmsr', '820.45', 'replaced_by', false),
    ('fda-qsr', '820.130', 'fda-qmsr', '820.45', 'replaced_by', false),
    ('fda-qsr', '820.198', 'fda-qmsr', '820.35(a)', 'replaced_by', false),
    ('fda-qmsr', '820.10(b)(1)', 'iso-13485', '7.5.8', 'adds_to', true),
    ('fda-qmsr', '820.10(b)(2)', 'iso-13485', '7.5.9.1', 'adds_to', true),
    ('fda-qmsr', '820.10(b)(3)', 'iso-13485', '8.2.3', 'adds_to', true),
    ('fda-qmsr', '820.10(b)(4)', 'iso-13485', '7.2.3', 'adds_to', true),
    ('fda-qmsr', '820.10(b)(4)', 'iso-13485', '8.2.3', 'adds_to', true),
    ('fda-qmsr', '820.10(b)(4)', 'iso-13485', '8.3.3', 'adds_to', true),
    ('fda-qmsr', '820.10(c)', 'iso-13485', '7.3', 'adds_to', true),
    ('fda-qmsr', '820.10(d)', 'iso-13485', '7.5.9.2', 'adds_to', true),
    ('fda-qmsr', '820.35', 'iso-13485', '4.2.5', 'adds_to', true),
    ('fda-qmsr', '820.35(a)', 'iso-13485', '8.2.2', 'adds_to', true),
    ('fda-qmsr', '820.35(b)', 'iso-13485', '7.5.4', 'adds_to', true),
    ('fda-qmsr', '820.35(c)', 'iso-13485', '7.5.1', 'adds_to', true),
    ('fda-qmsr', '820.35(c)', 'iso-13485', '7.5.8', 'adds_to', true),
    ('fda-qmsr', '820.35(c)', 'iso-13485', '7.5.9', 'adds_to', true),
    ('fda-qmsr', '820.45', 'iso-13485', '7.5.1', 'adds_to', true),
    ('fda-qmsr', '820.45(b)', 'iso-13485', '4.2.5', 'adds_to', true),
    ('fda-qmsr', '820.45(c)', 'iso-13485', '4.2.5', 'adds_to', true)
) AS m (from_framework, from_number, to_framework, to_number, relation, checked)
INNER JOIN qms.frameworks AS a ON m.from_framework = a.key
INNER JOIN qms.frameworks AS b ON m.to_framework = b.key
LEFT JOIN qms.clauses AS o ON a.id = o.framework_id AND m.from_number = o.number
LEFT JOIN qms.clauses AS n ON b.id = n.framework_id AND m.to_number = n.number;

-- What counts as evidence -----------------------------------------------------------------------------------------------

INSERT INTO qms.clause_evidence_rules (clause_id, source, category, wanted, looked_for)
SELECT c.id, r.source, r.category, string_to_array(r.wanted, ','), r.looked_for
FROM (
    VALUES
    ('iso-9001', '6.1', 'records', 'risk', 'control_verified,residual_accepted,monitored', 'risks with verified controls'),
    ('iso-9001', '6.3', 'records', 'change_request', 'closed', 'closed change requests'),
    ('iso-9001', '8.3.6', 'records', 'change_request', 'closed', 'closed change requests'),
    ('iso-9001', '8.5.6', 'records', 'change_request', 'closed', 'closed change requests'),
    ('iso-9001', '7.1.5', 'calibrations', NULL, NULL, 'equipment in service with a valid calibration'),
    ('iso-9001', '7.2', 'records', 'training', 'completed', 'completed training assignments'),
    ('iso-9001', '7.3', 'records', 'training', 'completed', 'completed training assignments'),
    ('iso-9001', '7.5.1', 'records', 'document', 'effective', 'effective documents under control'),
    ('iso-9001', '7.5.2', 'records', 'document', 'effective', 'effective documents under control'),
    ('iso-9001', '7.5.3', 'records', 'document', 'effective', 'effective documents under control'),
    ('iso-9001', '8.2.1', 'records', 'complaint', 'closed', 'closed complaints'),
    ('iso-9001', '9.1.2', 'records', 'complaint', 'closed', 'closed complaints'),
    ('iso-9001', '8.4.1', 'records', 'supplier', 'approved,conditional', 'approved suppliers'),
    ('iso-9001', '8.4.2', 'records', 'supplier', 'approved,conditional', 'approved suppliers'),
    ('iso-9001', '8.7', 'records', 'nonconformance', 'closed', 'closed nonconformances with their disposition'),
    ('iso-9001', '9.2', 'records', 'audit', 'closed', 'closed audits'),
    ('iso-9001', '9.2', 'records', 'finding', 'closed', 'closed audit findings'),
    ('iso-9001', '10.2', 'records', 'capa', 'closed', 'closed CAPAs'),
    ('iso-9001', '10.3', 'records', 'capa', 'closed', 'closed CAPAs'),
    ('iso-9001', '4.1', 'links', NULL, NULL, 'an analysis of internal and external issues, with climate change considered'),
    ('iso-9001', '4.2', 'links', NULL, NULL, 'a list of interested parties and their requirements'),
    ('iso-9001', '4.3', 'links', NULL, NULL, 'the documented scope'),
    ('iso-9001', '4.4', 'links', NULL, NULL, 'a map of processes with owners, inputs, outputs and measures'),
    ('iso-9001', '5.1.1', 'links', NULL, NULL, 'records of what top management does for the system'),
    ('iso-9001', '5.1.2', 'links', NULL, NULL, 'customer requirements and their follow-up'),
    ('iso-9001', '5.2.1', 'links', NULL, NULL, 'the quality policy'),
    ('iso-9001', '5.2.2', 'links', NULL, NULL, 'how the quality policy was communicated'),
    ('iso-9001', '5.3', 'links', NULL, NULL, 'an organization chart or role descriptions'),
    ('iso-9001', '6.2', 'links', NULL, NULL, 'quality objectives with plans and results'),
    ('iso-9001', '7.1.6', 'links', NULL, NULL, 'how knowledge is kept and shared'),
    ('iso-9001', '8.1', 'links', NULL, NULL, 'plans of operations with acceptance criteria'),
    ('iso-9001', '8.2.3', 'links', NULL, NULL, 'reviewed requirements before acceptance of orders'),
    ('iso-9001', '8.3.2', 'links', NULL, NULL, 'design plans'),
    ('iso-9001', '8.3.3', 'links', NULL, NULL, 'design inputs'),
    ('iso-9001', '8.3.4', 'links', NULL, NULL, 'design reviews, verification and validation'),
    ('iso-9001', '8.3.5', 'links', NULL, NULL, 'design outputs'),
    ('iso-9001', '8.4.3', 'links', NULL, NULL, 'purchase orders or agreements'),
    ('iso-9001', '8.5.1', 'links', NULL, NULL, 'production records under controlled conditions'),
    ('iso-9001', '8.5.2', 'links', NULL, NULL, 'identification and traceability records'),
    ('iso-9001', '8.6', 'links', NULL, NULL, 'release records with the person who released'),
    ('iso-9001', '9.1.1', 'links', NULL, NULL, 'what is measured, how and when'),
    ('iso-9001', '9.1.3', 'links', NULL, NULL, 'analysis of data with conclusions'),
    ('iso-9001', '9.3.1', 'links', NULL, NULL, 'a plan of management reviews'),
    ('iso-9001', '9.3.2', 'links', NULL, NULL, 'management review inputs'),
    ('iso-9001', '9.3.3', 'links', NULL, NULL, 'management review outputs with decisions'),
    ('iso-13485', '4.1.4', 'records', 'change_request', 'closed', 'closed change requests'),
    ('iso-13485', '7.3.9', 'records', 'change_request', 'closed', 'closed change requests'),
    ('iso-13485', '4.1.5', 'records', 'supplier', 'approved,conditional', 'approved suppliers'),
    ('iso-13485', '7.4.1', 'records', 'supplier', 'approved,conditional', 'approved suppliers'),
    ('iso-13485', '4.2.4', 'records', 'document', 'effective', 'effective documents under control'),
    ('iso-13485', '4.2.5', 'trail', NULL, '*', 'entries of the audit trail'),
    ('iso-13485', '6.2', 'records', 'training', 'completed', 'completed training assignments'),
    ('iso-13485', '7.1', 'records', 'risk', 'control_verified,residual_accepted,monitored', 'risks with verified controls'),
    ('iso-13485', '7.6', 'calibrations', NULL, NULL, 'equipment in service with a valid calibration'),
    ('iso-13485', '8.2.1', 'records', 'complaint', 'closed', 'closed complaints'),
    ('iso-13485', '8.2.2', 'records', 'complaint', 'closed', 'closed complaints'),
    ('iso-13485', '8.2.4', 'records', 'audit', 'closed', 'closed audits'),
    ('iso-13485', '8.2.4', 'records', 'finding', 'closed', 'closed audit findings'),
    ('iso-13485', '8.3.1', 'records', 'nonconformance', 'closed', 'closed nonconformances with their disposition'),
    ('iso-13485', '8.3.2', 'records', 'nonconformance', 'closed', 'closed nonconformances with their disposition'),
    ('iso-13485', '8.5.2', 'records', 'capa', 'closed', 'closed CAPAs'),
    ('iso-13485', '8.5.3', 'capa_actions', NULL, 'preventive', 'completed preventive actions'),
    ('iso-13485', '8.3.4', 'dispositions', NULL, 'rework', 'decided rework'),
    ('iso-13485', '8.2.3', 'records', 'complaint', 'closed', 'closed complaints with a decision on reportability'),
    ('iso-13485', '8.3.3', 'records', 'field_action', 'closed', 'closed field actions'),
    ('iso-13485', '4.1.1', 'links', NULL, NULL, 'the roles of the organization under the regulations'),
    ('iso-13485', '4.1.2', 'links', NULL, NULL, 'processes with risk-based control'),
    ('iso-13485', '4.1.6', 'links', NULL, NULL, 'validation of the software used in the system'),
    ('iso-13485', '4.2.2', 'links', NULL, NULL, 'the quality manual'),
    ('iso-13485', '4.2.3', 'links', NULL, NULL, 'medical device files'),
    ('iso-13485', '5.1', 'links', NULL, NULL, 'records of management commitment'),
    ('iso-13485', '5.3', 'links', NULL, NULL, 'the quality policy'),
    ('iso-13485', '5.4.1', 'links', NULL, NULL, 'quality objectives'),
    ('iso-13485', '5.5.1', 'links', NULL, NULL, 'responsibilities, documented'),
    ('iso-13485', '5.5.2', 'links', NULL, NULL, 'appointment of the management representative'),
    ('iso-13485', '5.6.1', 'links', NULL, NULL, 'a plan of management reviews'),
    ('iso-13485', '5.6.2', 'links', NULL, NULL, 'management review inputs'),
    ('iso-13485', '5.6.3', 'links', NULL, NULL, 'management review outputs with decisions'),
    ('iso-13485', '6.3', 'links', NULL, NULL, 'maintenance records'),
    ('iso-13485', '6.4.1', 'links', NULL, NULL, 'monitoring of the work environment'),
    ('iso-13485', '6.4.2', 'links', NULL, NULL, 'contamination control'),
    ('iso-13485', '7.2.2', 'links', NULL, NULL, 'review of requirements before acceptance'),
    ('iso-13485', '7.3.2', 'links', NULL, NULL, 'design plans'),
    ('iso-13485', '7.3.3', 'links', NULL, NULL, 'design inputs'),
    ('iso-13485', '7.3.4', 'links', NULL, NULL, 'design outputs'),
    ('iso-13485', '7.3.5', 'links', NULL, NULL, 'design reviews'),
    ('iso-13485', '7.3.6', 'links', NULL, NULL, 'design verification'),
    ('iso-13485', '7.3.7', 'links', NULL, NULL, 'design validation'),
    ('iso-13485', '7.3.8', 'links', NULL, NULL, 'design transfer'),
    ('iso-13485', '7.3.10', 'links', NULL, NULL, 'design and development files'),
    ('iso-13485', '7.4.2', 'links', NULL, NULL, 'purchase orders or agreements'),
    ('iso-13485', '7.4.3', 'links', NULL, NULL, 'verification of purchased product'),
    ('iso-13485', '7.5.1', 'links', NULL, NULL, 'batch records'),
    ('iso-13485', '7.5.6', 'links', NULL, NULL, 'process validations'),
    ('iso-13485', '7.5.7', 'links', NULL, NULL, 'validation of sterilization'),
    ('iso-13485', '7.5.8', 'links', NULL, NULL, 'identification procedure and records'),
    ('iso-13485', '7.5.9.1', 'links', NULL, NULL, 'traceability records'),
    ('iso-13485', '8.2.6', 'links', NULL, NULL, 'release records with the person who released'),
    ('iso-13485', '8.4', 'links', NULL, NULL, 'analysis of data with conclusions'),
    ('fda-qmsr', '820.10(a)', 'records', 'document', 'effective', 'effective documents under control'),
    ('fda-qmsr', '820.35(a)', 'records', 'complaint', 'closed', 'closed complaints'),
    ('fda-qmsr', '820.10(b)(3)', 'records', 'complaint', 'closed', 'closed complaints with a decision on reportability'),
    ('fda-qmsr', '820.10(b)(4)', 'records', 'field_action', 'closed', 'closed field actions'),
    ('fda-qmsr', '820.10(b)(1)', 'links', NULL, NULL, 'the system that assigns unique device identification'),
    ('fda-qmsr', '820.10(b)(2)', 'links', NULL, NULL, 'traceability and, where it applies, device tracking'),
    ('fda-qmsr', '820.10(c)', 'links', NULL, NULL, 'design and development files'),
    ('fda-qmsr', '820.10(d)', 'links', NULL, NULL, 'traceability of devices that support life'),
    ('fda-qmsr', '820.35(b)', 'links', NULL, NULL, 'service records with what the paragraph lists'),
    ('fda-qmsr', '820.35(c)', 'links', NULL, NULL, 'records with the unique device identification'),
    ('fda-qmsr', '820.35(d)', 'links', NULL, NULL, 'how confidential records are marked'),
    ('fda-qmsr', '820.45(a)', 'links', NULL, NULL, 'examination of labeling before release'),
    ('fda-qmsr', '820.45(b)', 'links', NULL, NULL, 'release records of labeling'),
    ('fda-qmsr', '820.45(c)', 'links', NULL, NULL, 'inspection of labeling before use'),
    ('part-11', '11.10(b)', 'trail', NULL, 'export', 'inspection packs that were exported'),
    ('part-11', '11.10(e)', 'trail', NULL, '*', 'entries of the audit trail, and its verification'),
    ('part-11', '11.10(f)', 'transitions', NULL, NULL, 'steps taken under an enforced workflow'),
    ('part-11', '11.10(g)', 'trail', NULL, 'refused,locked', 'refused attempts that were recorded'),
    ('part-11', '11.300(d)', 'trail', NULL, 'refused,locked', 'refused attempts that were recorded'),
    ('part-11', '11.50(a)', 'signatures', NULL, NULL, 'signatures on records, bound to the version signed'),
    ('part-11', '11.50(b)', 'signatures', NULL, NULL, 'signatures on records, bound to the version signed'),
    ('part-11', '11.70', 'signatures', NULL, NULL, 'signatures on records, bound to the version signed'),
    ('part-11', '11.200(a)', 'signatures', NULL, NULL, 'signatures on records, bound to the version signed'),
    ('part-11', '11.10(i)', 'records', 'training', 'completed', 'completed training assignments'),
    ('part-11', '11.10(k)', 'records', 'document', 'effective', 'effective documents under control'),
    ('part-11', '11.10(a)', 'links', NULL, NULL, 'the validation package of this system'),
    ('part-11', '11.10(c)', 'links', NULL, NULL, 'restore tests and retention rules'),
    ('part-11', '11.10(d)', 'links', NULL, NULL, 'periodic review of access'),
    ('part-11', '11.10(h)', 'links', NULL, NULL, 'device checks, where they are appropriate'),
    ('part-11', '11.10(j)', 'links', NULL, NULL, 'the written policy on accountability for signatures'),
    ('part-11', '11.30', 'links', NULL, NULL, 'measures for open systems, if one is used'),
    ('part-11', '11.100(a)', 'links', NULL, NULL, 'how user ids are issued and never reused'),
    ('part-11', '11.100(b)', 'links', NULL, NULL, 'how identity is verified before an account is issued'),
    ('part-11', '11.100(c)', 'links', NULL, NULL, 'the certification letter to the agency'),
    ('part-11', '11.300(a)', 'links', NULL, NULL, 'how combinations of id and password are kept unique'),
    ('part-11', '11.300(b)', 'links', NULL, NULL, 'periodic check of passwords'),
    ('part-11', '11.300(c)', 'links', NULL, NULL, 'the procedure for lost credentials'),
    ('annex-11', '1', 'records', 'risk', 'control_verified,residual_accepted,monitored', 'risks with verified controls'),
    ('annex-11', '2', 'records', 'training', 'completed', 'completed training assignments'),
    ('annex-11', '3.1', 'records', 'supplier', 'approved,conditional', 'approved suppliers'),
    ('annex-11', '3.2', 'records', 'supplier', 'approved,conditional', 'approved suppliers'),
    ('annex-11', '9', 'trail', NULL, '*', 'entries of the audit trail'),
    ('annex-11', '12.4', 'trail', NULL, '*', 'entries of the audit trail'),
    ('annex-11', '10', 'records', 'change_request', 'closed', 'closed change requests'),
    ('annex-11', '11', 'records', 'audit', 'closed', 'closed audits'),
    ('annex-11', '13', 'records', 'deviation', 'closed', 'closed deviations'),
    ('annex-11', '14', 'signatures', NULL, NULL, 'signatures on records, bound to the version signed'),
    ('annex-11', '8.1', 'trail', NULL, 'export', 'inspection packs that were exported'),
    ('annex-11', '8.2', 'trail', NULL, '*', 'entries of the audit trail'),
    ('annex-11', '3.3', 'links', NULL, NULL, 'review of the supplier''s documentation'),
    ('annex-11', '3.4', 'links', NULL, NULL, 'audit reports of suppliers'),
    ('annex-11', '4.1', 'links', NULL, NULL, 'validation plan and report'),
    ('annex-11', '4.2', 'links', NULL, NULL, 'change control during validation'),
    ('annex-11', '4.3', 'links', NULL, NULL, 'an inventory of systems'),
    ('annex-11', '4.4', 'links', NULL, NULL, 'user requirements, traced'),
    ('annex-11', '4.5', 'links', NULL, NULL, 'assessment of the developer'),
    ('annex-11', '4.6', 'links', NULL, NULL, 'assessment of bespoke systems'),
    ('annex-11', '4.7', 'links', NULL, NULL, 'test evidence'),
    ('annex-11', '4.8', 'links', NULL, NULL, 'validated data transfer'),
    ('annex-11', '5', 'links', NULL, NULL, 'checks of data exchanged with other systems'),
    ('annex-11', '6', 'links', NULL, NULL, 'a second check of critical data entered by hand'),
    ('annex-11', '7.1', 'links', NULL, NULL, 'storage and accessibility checks'),
    ('annex-11', '7.2', 'links', NULL, NULL, 'restore tests'),
    ('annex-11', '12.1', 'links', NULL, NULL, 'access controls'),
    ('annex-11', '12.2', 'links', NULL, NULL, 'assessment of how far security goes'),
    ('annex-11', '12.3', 'links', NULL, NULL, 'records of access given and withdrawn'),
    ('annex-11', '15', 'links', NULL, NULL, 'how release by a qualified person is recorded'),
    ('annex-11', '16', 'links', NULL, NULL, 'business continuity arrangements, tested'),
    ('annex-11', '17', 'links', NULL, NULL, 'archived data, checked for readability'),
    ('ich-q10', '3.2.2', 'records', 'capa', 'closed', 'closed CAPAs'),
    ('ich-q10', '3.2.3', 'records', 'change_request', 'closed', 'closed change requests'),
    ('ich-q10', '2.7', 'records', 'supplier', 'approved,conditional', 'approved suppliers'),
    ('ich-q10', '2.2', 'links', NULL, NULL, 'the quality policy'),
    ('ich-q10', '2.3', 'links', NULL, NULL, 'quality objectives and plans'),
    ('ich-q10', '2.6', 'links', NULL, NULL, 'management reviews'),
    ('ich-q10', '2.8', 'links', NULL, NULL, 'agreements at a change of ownership'),
    ('ich-q10', '3.2.1', 'links', NULL, NULL, 'monitoring of process performance and product quality'),
    ('ich-q10', '3.2.4', 'links', NULL, NULL, 'management review of process performance'),
    ('ich-q10', '4.1', 'links', NULL, NULL, 'management review of the system'),
    ('ich-q10', '4.2', 'links', NULL, NULL, 'monitoring of internal and external factors'),
    ('ich-q10', '4.3', 'links', NULL, NULL, 'outcomes of management review')
) AS r (framework, number, source, category, wanted, looked_for)
INNER JOIN qms.frameworks AS f ON r.framework = f.key
LEFT JOIN qms.clauses AS c ON f.id = c.framework_id AND r.number = c.number;

-- The matrix of an organization ------------------------------------------------------------------------------------------

ALTER TABLE qms.compliance_records
ADD COLUMN framework_id uuid REFERENCES qms.frameworks (id),
ADD COLUMN clause_id uuid REFERENCES qms.clauses (id),
ADD COLUMN applicability text NOT NULL DEFAULT 'applicable' CHECK (applicability IN ('applicable', 'not_applicable')),
ADD COLUMN justification text,
ADD COLUMN review_days integer CHECK (review_days BETWEEN 1 AND 3650),
ADD COLUMN proposed_by uuid REFERENCES auth.users (id),
ADD COLUMN proposed_kind text CHECK (proposed_kind IN ('human', 'agent', 'system')),
ADD COLUMN proposed_at timestamptz,
ADD COLUMN adopted_by uuid REFERENCES auth.users (id),
ADD COLUMN adopted_at timestamptz,
ADD CONSTRAINT not_applicable_with_reason CHECK (
    applicability = 'applicable' OR (length(btrim(justification)) >= 10 AND proposed_by IS NOT NULL)
),
ADD CONSTRAINT adopted_by_somebody CHECK ((adopted_by IS NULL) = (adopted_at IS NULL)),
ADD CONSTRAINT adopted_by_another CHECK (adopted_by <> proposed_by);
COMMENT ON COLUMN qms.compliance_records.applicability IS
'not_applicable is a proposal until adopted_at: a person other than the one who proposed it decides.';
COMMENT ON COLUMN qms.compliance_records.review_days IS
'Evidence older than this is stale; empty: settings.compliance.review_days of the organization, else 365.';
ALTER TABLE qms.compliance_records ALTER COLUMN justification SET STATISTICS 0;
CREATE INDEX compliance_records_framework ON qms.compliance_records (framework_id);
CREATE INDEX compliance_records_clause ON qms.compliance_records (organization_id, clause_id);
CREATE INDEX compliance_records_clause_id ON qms.compliance_records (clause_id);
CREATE INDEX compliance_records_proposed ON qms.compliance_records (proposed_by);
CREATE INDEX compliance_records_adopted ON qms.compliance_records (adopted_by);
CREATE UNIQUE INDEX compliance_records_one_exclusion ON qms.compliance_records (organization_id, clause_id)
WHERE applicability = 'not_applicable';

CREATE FUNCTION qms.place_requirement() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF tg_op = 'UPDATE' AND (new.standard, new.requirement) IS DISTINCT FROM (old.standard, old.requirement) THEN
        IF old.applicability = 'not_applicable' THEN
            RAISE EXCEPTION 'what was said not to apply keeps its clause' USING ERRCODE = 'QM021';
        END IF;
        new.clause_id := NULL;
        new.framework_id := NULL;
    END IF;
    IF new.clause_id IS NULL THEN
        SELECT c.framework_id, c.id INTO new.framework_id, new.clause_id
        FROM qms.frameworks AS f
        INNER JOIN qms.clauses AS c ON f.id = c.framework_id
        WHERE new.standard IN (f.name, f.key) AND c.number = split_part(btrim(new.requirement), ' ', 1)
        ORDER BY f.in_force_from DESC
        LIMIT 1;
    ELSE
        SELECT c.framework_id INTO new.framework_id FROM qms.clauses AS c WHERE c.id = new.clause_id;
    END IF;
    RETURN new;
END
$$;
COMMENT ON FUNCTION qms.place_requirement() IS 'Finds the clause a row of the matrix is about, when its number is one of a framework.';
CREATE TRIGGER place_requirement BEFORE INSERT OR UPDATE OF standard, requirement, clause_id ON qms.compliance_records
FOR EACH ROW EXECUTE FUNCTION qms.place_requirement();

CREATE POLICY administration ON qms.compliance_records FOR ALL TO qms_definer USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON qms.compliance_records TO qms_definer;
REVOKE INSERT, UPDATE ON qms.compliance_records FROM qms_app;
GRANT
INSERT (
    id, organization_id, standard, requirement, status, evidence, last_reviewed, next_review, created_at, clause_id,
    review_days
),
UPDATE (standard, requirement, status, evidence, last_reviewed, next_review, review_days)
ON qms.compliance_records TO qms_app;

SET LOCAL ROLE qms_definer;
UPDATE qms.compliance_records AS r SET requirement = r.requirement WHERE r.clause_id IS NULL;
RESET ROLE;

-- Evidence that somebody linked -------------------------------------------------------------------------------------------

CREATE TABLE qms.evidence_links (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES qms.organizations (id),
    clause_id uuid NOT NULL REFERENCES qms.clauses (id),
    record_id uuid,
    record_version integer,
    uri text CHECK (uri ~* '^(https?|urn|doi|file|s3|ftps?):[^[:space:][:cntrl:]<>"]+$' AND length(uri) <= 2000),
    note text CHECK (length(note) <= 2000),
    observed_on date,
    valid_until date,
    withdrawn boolean NOT NULL DEFAULT false,
    withdrawn_by uuid REFERENCES auth.users (id),
    withdrawn_at timestamptz,
    added_by uuid REFERENCES auth.users (id),
    added_kind text NOT NULL CHECK (added_kind IN ('human', 'agent', 'system')),
    created_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (organization_id, record_id) REFERENCES qms.quality_items (organization_id, id),
    CONSTRAINT one_thing CHECK (num_nonnulls(record_id, uri) = 1),
    CONSTRAINT withdrawn_at_some_time CHECK (withdrawn = (withdrawn_at IS NOT NULL))
);
COMMENT ON TABLE qms.evidence_links IS
'What somebody says is evidence for a clause: a record at the version it had then, or a place outside. Withdrawn, never deleted.';
COMMENT ON COLUMN qms.evidence_links.observed_on IS 'The day the evidence speaks of; empty: the day it was linked.';
COMMENT ON COLUMN qms.evidence_links.valid_until IS 'After this day it is stale.';
ALTER TABLE qms.evidence_links ALTER COLUMN uri SET STATISTICS 0, ALTER COLUMN note SET STATISTICS 0;
CREATE INDEX evidence_links_clause ON qms.evidence_links (organization_id, clause_id);
CREATE INDEX evidence_links_clause_id ON qms.evidence_links (clause_id);
CREATE INDEX evidence_links_record ON qms.evidence_links (organization_id, record_id);
CREATE INDEX evidence_links_added ON qms.evidence_links (added_by);
CREATE INDEX evidence_links_withdrawn ON qms.evidence_links (withdrawn_by);
CREATE UNIQUE INDEX evidence_links_once ON qms.evidence_links (
    organization_id, clause_id, coalesce(record_id::text, uri)
) WHERE NOT withdrawn;

CREATE FUNCTION qms.keep_evidence_link() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF tg_op = 'INSERT' THEN
        new.added_by := qms.current_user_id();
        new.added_kind := coalesce(qms.current_actor_kind(), 'system');
        new.created_at := clock_timestamp();
        new.withdrawn := false;
        new.record_version := (SELECT i.version FROM qms.quality_items AS i WHERE i.id = new.record_id);
        RETURN new;
    END IF;
    IF old.withdrawn OR NOT new.withdrawn
        OR to_jsonb(new) - ARRAY['withdrawn', 'withdrawn_by', 'withdrawn_at']
        <> to_jsonb(old) - ARRAY['withdrawn', 'withdrawn_by', 'withdrawn_at'] THEN
        RAISE EXCEPTION 'a link of evidence never changes: it can be withdrawn, once' USING ERRCODE = 'QM021',
        HINT = 'Link the evidence again; the former link is withdrawn then.';
    END IF;
    new.withdrawn_by := qms.current_user_id();
    new.withdrawn_at := clock_timestamp();
    RETURN new;
END
$$;
COMMENT ON FUNCTION qms.keep_evidence_link() IS 'Says who linked and when; a link is withdrawn once and otherwise stays.';
CREATE TRIGGER keep_evidence_link BEFORE INSERT OR UPDATE ON qms.evidence_links
FOR EACH ROW EXECUTE FUNCTION qms.keep_evidence_link();
CREATE TRIGGER trail_turn BEFORE INSERT OR UPDATE ON qms.evidence_links
FOR EACH STATEMENT EXECUTE FUNCTION qms.take_trail_turn();
CREATE TRIGGER record_change AFTER INSERT OR UPDATE ON qms.evidence_links
FOR EACH ROW EXECUTE FUNCTION qms.record_entry('record_id');
CREATE TRIGGER never_deleted BEFORE DELETE ON qms.evidence_links
FOR EACH ROW EXECUTE FUNCTION qms.refuse_change();
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON qms.evidence_links
FOR EACH STATEMENT EXECUTE FUNCTION qms.refuse_change();

ALTER TABLE qms.evidence_links ENABLE ROW LEVEL SECURITY;
ALTER TABLE qms.evidence_links FORCE ROW LEVEL SECURITY;
CREATE POLICY read_own ON qms.evidence_links FOR SELECT TO qms_app, qms_sql
USING (organization_id = (SELECT qms.current_organization_id()));
CREATE POLICY add_own ON qms.evidence_links FOR INSERT TO qms_app
WITH CHECK (organization_id = (SELECT qms.current_organization_id()) AND (SELECT qms.may_write()));
CREATE POLICY withdraw_own ON qms.evidence_links FOR UPDATE TO qms_app
USING (organization_id = (SELECT qms.current_organization_id()) AND (SELECT qms.may_write()))
WITH CHECK (organization_id = (SELECT qms.current_organization_id()));
CREATE POLICY administration ON qms.evidence_links FOR ALL TO qms_definer USING (true) WITH CHECK (true);
GRANT SELECT ON qms.evidence_links TO qms_app, qms_sql, qms_definer;
GRANT INSERT (organization_id, clause_id, record_id, uri, note, observed_on, valid_until), UPDATE (withdrawn)
ON qms.evidence_links TO qms_app;

-- The newest records in a state, steps and rare events of the trail, without reading all of them.
DROP INDEX qms.idx_quality_items_org;
CREATE INDEX idx_quality_items_org
ON qms.quality_items (organization_id, category, status, state_since DESC NULLS LAST);
CREATE INDEX signatures_recent ON qms.signatures (organization_id, signed_at);
CREATE INDEX calibrations_recent ON qms.calibrations (organization_id, performed_on);
CREATE INDEX capa_actions_completed ON qms.capa_actions (organization_id, action_type, completed_on);
CREATE INDEX dispositions_decided ON qms.dispositions (organization_id, disposition, decided_at);
CREATE INDEX transitions_recent ON qms.transitions (organization_id, created_at);
CREATE INDEX audit_logs_rare ON qms.audit_logs (organization_id, action, seq)
WHERE action IN ('export', 'refused', 'locked');

-- Clauses that do not apply ----------------------------------------------------------------------------------------------

CREATE FUNCTION qms_private.exclusion_text(proposed qms.compliance_records) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = ''
AS $$
    SELECT proposed.standard || ', ' || proposed.requirement || E'\ndoes not apply, because:\n' || proposed.justification
$$;
COMMENT ON FUNCTION qms_private.exclusion_text(qms.compliance_records) IS 'What a person adopts or rejects, word for word.';

CREATE FUNCTION qms.propose_exclusion(of_clause uuid, why text) RETURNS TABLE (
    compliance_record_id uuid, approval_id uuid, adopted boolean
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    ours uuid := qms.current_organization_id();
    clause qms.clauses;
    row_ qms.compliance_records;
    waiting uuid;
BEGIN
    IF ours IS NULL OR NOT qms.may_write() THEN
        RAISE EXCEPTION 'your roles let you read, not write' USING ERRCODE = 'QM022';
    END IF;
    IF length(btrim(coalesce(why, ''))) < 10 THEN
        RAISE EXCEPTION 'that a clause does not apply needs a justification' USING ERRCODE = 'QM024',
        HINT = 'Say which activity or product the organization does not have.';
    END IF;
    PERFORM qms_private.lock_trail(ours);
    SELECT c.* INTO clause FROM qms.clauses AS c WHERE c.id = of_clause AND c.kind <> 'reference';
    IF clause.id IS NULL THEN
        RAISE EXCEPTION 'there is no such clause' USING ERRCODE = 'QM023';
    END IF;
    SELECT r.* INTO row_
    FROM qms.compliance_records AS r
    WHERE r.organization_id = ours AND r.clause_id = clause.id
    ORDER BY r.applicability DESC, r.created_at DESC
    LIMIT 1;
    IF row_.id IS NULL THEN
        INSERT INTO qms.compliance_records (
            organization_id, standard, requirement, clause_id, applicability, justification, proposed_by, proposed_kind,
            proposed_at
        )
        SELECT
            ours, f.name, clause.number || ' ' || clause.title, clause.id, 'not_applicable', btrim(why),
            qms.current_user_id(), qms.current_actor_kind(), clock_timestamp()
        FROM qms.frameworks AS f WHERE f.id = clause.framework_id
        RETURNING * INTO row_;
    ELSIF row_.applicability = 'applicable' OR row_.justification <> btrim(why) THEN
        UPDATE qms.compliance_records AS r
        SET
            applicability = 'not_applicable', justification = btrim(why), proposed_by = qms.current_user_id(),
            proposed_kind = qms.current_actor_kind(), proposed_at = clock_timestamp(), adopted_by = NULL,
            adopted_at = NULL
        WHERE r.id = row_.id
        RETURNING * INTO row_;
    END IF;
    IF row_.adopted_at IS NULL THEN
        SELECT a.id INTO waiting
        FROM qms.approvals AS a
        WHERE
            a.subject_id = row_.id AND a.content = qms_private.exclusion_text(row_) AND a.state = 'pending'
            AND a.created_at >= row_.proposed_at AND a.expires_at > clock_timestamp()
        LIMIT 1;
        IF waiting IS NULL THEN
            INSERT INTO qms.approvals (
                organization_id, tool, subject_id, content, content_sha256, summary, requested_by, requested_kind,
                reason, client_name, created_at
            )
            SELECT
                ours, 'exclude_clause', row_.id, t.content, encode(sha256(convert_to(t.content, 'UTF8')), 'hex'),
                'Adopt that a clause does not apply: ' || row_.standard || ', ' || row_.requirement,
                qms.current_user_id(), qms.current_actor_kind(), coalesce(qms.written_reason(), btrim(why)),
                nullif(current_setting('qms.client', true), ''), clock_timestamp()
            FROM (SELECT qms_private.exclusion_text(row_) AS content) AS t
            RETURNING id INTO waiting;
            PERFORM qms_private.note_event(
                ours, 'qms.approvals', waiting, 'requested',
                jsonb_build_object('tool', 'exclude_clause', 'compliance_record_id', row_.id)
            );
        END IF;
    END IF;
    RETURN QUERY SELECT row_.id, waiting, row_.adopted_at IS NOT NULL;
END
$$;
COMMENT ON FUNCTION qms.propose_exclusion(uuid, text) IS
'Proposes that a clause does not apply, with the justification, and asks a person to adopt it. Until then it applies.';

CREATE FUNCTION qms.withdraw_exclusion(of_clause uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    ours uuid := qms.current_organization_id();
    changed uuid;
BEGIN
    IF ours IS NULL OR NOT qms.may_write() THEN
        RAISE EXCEPTION 'your roles let you read, not write' USING ERRCODE = 'QM022';
    END IF;
    UPDATE qms.compliance_records AS r
    SET applicability = 'applicable', adopted_by = NULL, adopted_at = NULL
    WHERE r.organization_id = ours AND r.clause_id = of_clause AND r.applicability = 'not_applicable'
    RETURNING r.id INTO changed;
    IF changed IS NULL THEN
        RAISE EXCEPTION 'nobody said that this clause does not apply' USING ERRCODE = 'QM023';
    END IF;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION qms.withdraw_exclusion(uuid) IS 'The clause applies again, at once: only leaving one out needs a person.';

CREATE FUNCTION qms.adopt_exclusion() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    proposal qms.compliance_records;
BEGIN
    SELECT r.* INTO proposal FROM qms.compliance_records AS r WHERE r.id = new.subject_id;
    IF proposal.applicability IS DISTINCT FROM 'not_applicable' OR proposal.proposed_at > new.created_at
        OR qms_private.exclusion_text(proposal) <> new.content THEN
        RAISE EXCEPTION 'what was proposed has changed meanwhile' USING ERRCODE = 'QM021';
    END IF;
    IF proposal.proposed_by = new.decided_by OR new.requested_by = new.decided_by THEN
        RAISE EXCEPTION 'whoever proposed it, also through an agent, can''t adopt it' USING ERRCODE = 'QM022',
        HINT = 'Another person with the role approver, qa_approver or admin decides.';
    END IF;
    UPDATE qms.compliance_records AS r
    SET adopted_by = new.decided_by, adopted_at = new.decided_at
    WHERE r.id = proposal.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION qms.adopt_exclusion() IS
'A person approved that a clause does not apply: it counts from here on.';

GRANT CREATE ON SCHEMA qms, qms_private TO qms_definer;
ALTER FUNCTION qms_private.exclusion_text(qms.compliance_records) OWNER TO qms_definer;
ALTER FUNCTION qms.propose_exclusion(uuid, text) OWNER TO qms_definer;
ALTER FUNCTION qms.withdraw_exclusion(uuid) OWNER TO qms_definer;
ALTER FUNCTION qms.adopt_exclusion() OWNER TO qms_definer;
REVOKE CREATE ON SCHEMA qms, qms_private FROM qms_definer;
SET LOCAL ROLE qms_definer;
GRANT EXECUTE ON FUNCTION qms.propose_exclusion(uuid, text), qms.withdraw_exclusion(uuid) TO qms_app;
GRANT EXECUTE ON FUNCTION qms.adopt_exclusion() TO SESSION_USER;
RESET ROLE;
CREATE TRIGGER adopt_exclusion AFTER UPDATE OF state ON qms.approvals
FOR EACH ROW WHEN (new.tool = 'exclude_clause' AND old.state = 'pending' AND new.state = 'approved')
EXECUTE FUNCTION qms.adopt_exclusion();

-- What there is ------------------------------------------------------------------------------------------------------------

CREATE FUNCTION qms.clause_evidence(of_clauses uuid [], most integer) RETURNS TABLE (
    clause_id uuid, source text, citation text, dated date, valid_until date, note text, record_id uuid,
    max_age_days integer, total bigint
)
LANGUAGE plpgsql STABLE SET search_path = '' SET plan_cache_mode = 'force_generic_plan'
AS $$
#variable_conflict use_column
DECLARE
    shown uuid [];
    looked_at uuid [];
    sources text [];
BEGIN
    SELECT array_agg(a.clause_id), array_agg(a.source_id) INTO shown, looked_at
    FROM (
        SELECT c.id AS clause_id, c.id AS source_id FROM qms.clauses AS c WHERE c.id = ANY (of_clauses)
        UNION
        SELECT m.from_clause_id, t.id
        FROM qms.clause_map AS m
        INNER JOIN qms.clauses AS n ON m.to_clause_id = n.id
        INNER JOIN qms.clauses AS t ON n.framework_id = t.framework_id
        WHERE
            m.from_clause_id = ANY (of_clauses) AND m.relation = 'replaced_by'
            AND (t.id = n.id OR starts_with(t.number, n.number || '.'))
    ) AS a;
    sources := ARRAY(SELECT DISTINCT r.source FROM qms.clause_evidence_rules AS r WHERE r.clause_id = ANY (looked_at));
    RETURN QUERY
    SELECT
        s.clause_id,
        'link' AS source,
        CASE
            WHEN i.id IS NULL THEN l.uri
            WHEN i.version = l.record_version THEN i.number || ' v' || i.version
            ELSE i.number || ' v' || l.record_version || ' (now v' || i.version || ')'
        END AS citation,
        coalesce(l.observed_on, i.closed_at::date, l.created_at::date) AS dated,
        l.valid_until,
        l.note,
        l.record_id,
        NULL::integer AS max_age_days,
        1::bigint AS total
    FROM unnest(shown, looked_at) AS s (clause_id, source_id)
    INNER JOIN qms.evidence_links AS l ON s.source_id = l.clause_id AND NOT l.withdrawn
    LEFT JOIN qms.quality_items AS i ON l.record_id = i.id
    WHERE i.id IS NULL OR i.status NOT IN ('cancelled', 'rejected');
    RETURN QUERY
    SELECT
        s.clause_id,
        'matrix',
        left(coalesce(
            e.item ->> 'record', e.item ->> 'document', e.item ->> 'reference', e.item ->> 'uri', e.item #>> '{}'
        ), 200) || ' (noted in the matrix)',
        m.last_reviewed::date,
        NULL::date,
        NULL::text,
        NULL::uuid,
        NULL::integer,
        1::bigint
    FROM unnest(shown, looked_at) AS s (clause_id, source_id)
    INNER JOIN qms.compliance_records AS m ON s.source_id = m.clause_id
    CROSS JOIN LATERAL jsonb_array_elements(
        CASE jsonb_typeof(m.evidence) WHEN 'array' THEN m.evidence ELSE '[]' END
    ) AS e (item);
    IF 'records' = ANY (sources) THEN
        RETURN QUERY
        SELECT
            s.clause_id,
            'records',
            i.number || ' v' || i.version,
            i.state_since::date,
            coalesce(d.next_review_on, p.reevaluation_due_on, t.expires_on),
            k.wanted,
            i.id,
            r.max_age_days,
            k.total
        FROM (
            -- Once for each type and state, however many clauses want them.
            SELECT
                x.category,
                w.wanted,
                (
                    SELECT count(*) FROM (
                        SELECT FROM qms.quality_items AS q WHERE q.category = x.category AND q.status = w.wanted LIMIT 101
                    ) AS few
                ) AS total
            FROM qms.clause_evidence_rules AS x
            CROSS JOIN LATERAL unnest(x.wanted) AS w (wanted)
            WHERE x.source = 'records' AND x.clause_id = ANY (looked_at)
            GROUP BY x.category, w.wanted
            OFFSET 0
        ) AS k
        CROSS JOIN LATERAL (
            SELECT q.id, q.number, q.version, q.state_since
            FROM qms.quality_items AS q
            WHERE q.category = k.category AND q.status = k.wanted
            ORDER BY q.state_since DESC NULLS LAST
            LIMIT most
        ) AS i
        INNER JOIN qms.clause_evidence_rules AS r
            ON r.source = 'records' AND k.category = r.category AND k.wanted = ANY (r.wanted)
        INNER JOIN unnest(shown, looked_at) AS s (clause_id, source_id) ON r.clause_id = s.source_id
        LEFT JOIN qms.documents AS d ON i.id = d.id
        LEFT JOIN qms.suppliers AS p ON i.id = p.id
        LEFT JOIN qms.trainings AS t ON i.id = t.id;
    END IF;
    IF 'calibrations' = ANY (sources) THEN
        RETURN QUERY
        SELECT
            s.clause_id,
            r.source,
            x.number || ' v' || x.version || ': calibrated ' || x.performed_on,
            x.performed_on,
            x.next_due_on,
            NULL::text,
            x.id,
            r.max_age_days,
            1::bigint
        FROM qms.clause_evidence_rules AS r
        INNER JOIN unnest(shown, looked_at) AS s (clause_id, source_id) ON r.clause_id = s.source_id
        CROSS JOIN LATERAL unnest(coalesce(r.wanted, ARRAY[NULL])) AS w (wanted)
        CROSS JOIN LATERAL (
            SELECT
                i.id,
                i.number,
                i.version,
                k.performed_on,
                k.next_due_on
            FROM qms.calibrations AS k
            CROSS JOIN LATERAL (
                SELECT i.id, i.number, i.version
                FROM qms.quality_items AS i
                WHERE i.id = k.record_id AND i.status IN ('in_service', 'due')
                OFFSET 0 -- looked up one by one: a hash of all records would cost more
            ) AS i
            WHERE k.result = 'in_tolerance'
            ORDER BY k.performed_on DESC
            LIMIT most
        ) AS x
        WHERE r.source = 'calibrations';
    END IF;
    IF 'capa_actions' = ANY (sources) THEN
        RETURN QUERY
        SELECT
            s.clause_id,
            r.source,
            x.number || ' v' || x.version || ': action completed ' || x.completed_on,
            x.completed_on,
            NULL::date,
            w.wanted,
            x.id,
            r.max_age_days,
            1::bigint
        FROM qms.clause_evidence_rules AS r
        INNER JOIN unnest(shown, looked_at) AS s (clause_id, source_id) ON r.clause_id = s.source_id
        CROSS JOIN LATERAL unnest(coalesce(r.wanted, ARRAY[NULL])) AS w (wanted)
        CROSS JOIN LATERAL (
            SELECT
                i.id,
                i.number,
                i.version,
                k.completed_on
            FROM qms.capa_actions AS k
            CROSS JOIN LATERAL (
                SELECT i.id, i.number, i.version
                FROM qms.quality_items AS i
                WHERE i.id = k.record_id AND i.status <> 'cancelled'
                OFFSET 0 -- looked up one by one: a hash of all records would cost more
            ) AS i
            WHERE k.action_type = w.wanted AND k.completed_on IS NOT NULL
            ORDER BY k.completed_on DESC
            LIMIT most
        ) AS x
        WHERE r.source = 'capa_actions';
    END IF;
    IF 'dispositions' = ANY (sources) THEN
        RETURN QUERY
        SELECT
            s.clause_id,
            r.source,
            x.number || ' v' || x.version || ': ' || w.wanted || ' decided ' || x.decided_at::date,
            x.decided_at::date,
            NULL::date,
            NULL::text,
            x.id,
            r.max_age_days,
            1::bigint
        FROM qms.clause_evidence_rules AS r
        INNER JOIN unnest(shown, looked_at) AS s (clause_id, source_id) ON r.clause_id = s.source_id
        CROSS JOIN LATERAL unnest(coalesce(r.wanted, ARRAY[NULL])) AS w (wanted)
        CROSS JOIN LATERAL (
            SELECT
                i.id,
                i.number,
                i.version,
                k.decided_at
            FROM qms.dispositions AS k
            CROSS JOIN LATERAL (
                SELECT i.id, i.number, i.version
                FROM qms.quality_items AS i
                WHERE i.id = k.record_id AND i.status <> 'cancelled'
                OFFSET 0 -- looked up one by one: a hash of all records would cost more
            ) AS i
            WHERE k.disposition = w.wanted AND k.decided_at IS NOT NULL
            ORDER BY k.decided_at DESC
            LIMIT most
        ) AS x
        WHERE r.source = 'dispositions';
    END IF;
    IF 'transitions' = ANY (sources) THEN
        RETURN QUERY
        SELECT
            s.clause_id,
            r.source,
            x.number || ' v' || x.record_version || ': ' || x.name || ' on ' || x.created_at::date,
            x.created_at::date,
            NULL::date,
            NULL::text,
            x.id,
            r.max_age_days,
            1::bigint
        FROM qms.clause_evidence_rules AS r
        INNER JOIN unnest(shown, looked_at) AS s (clause_id, source_id) ON r.clause_id = s.source_id
        CROSS JOIN LATERAL unnest(coalesce(r.wanted, ARRAY[NULL])) AS w (wanted)
        CROSS JOIN LATERAL (
            SELECT
                i.id,
                i.number,
                k.record_version,
                k.name,
                k.created_at
            FROM qms.transitions AS k
            CROSS JOIN LATERAL (
                SELECT i.id, i.number, i.version
                FROM qms.quality_items AS i
                WHERE i.id = k.record_id
                OFFSET 0 -- looked up one by one: a hash of all records would cost more
            ) AS i
            ORDER BY k.created_at DESC
            LIMIT most
        ) AS x
        WHERE r.source = 'transitions';
    END IF;
    IF 'signatures' = ANY (sources) THEN
        RETURN QUERY
        SELECT
            s.clause_id,
            r.source,
            x.number || ' v' || x.record_version || ': ' || x.verdict || ' by ' || x.printed_name || ' on ' || x.signed_at::date,
            x.signed_at::date,
            NULL::date,
            x.meaning,
            x.id,
            r.max_age_days,
            1::bigint
        FROM qms.clause_evidence_rules AS r
        INNER JOIN unnest(shown, looked_at) AS s (clause_id, source_id) ON r.clause_id = s.source_id
        CROSS JOIN LATERAL unnest(coalesce(r.wanted, ARRAY[NULL])) AS w (wanted)
        CROSS JOIN LATERAL (
            SELECT
                i.id,
                i.number,
                k.record_version,
                k.verdict,
                k.printed_name,
                k.meaning,
                k.signed_at
            FROM qms.signatures AS k
            CROSS JOIN LATERAL (
                SELECT i.id, i.number, i.version
                FROM qms.quality_items AS i
                WHERE i.id = k.record_id
                OFFSET 0 -- looked up one by one: a hash of all records would cost more
            ) AS i
            ORDER BY k.signed_at DESC
            LIMIT most
        ) AS x
        WHERE r.source = 'signatures';
    END IF;
    IF 'trail' = ANY (sources) THEN
        RETURN QUERY
        SELECT
            s.clause_id,
            r.source,
            'audit trail, entries 1 to ' || x.seq,
            x.created_at::date,
            NULL::date,
            NULL::text,
            NULL::uuid,
            r.max_age_days,
            1::bigint
        FROM qms.clause_evidence_rules AS r
        INNER JOIN unnest(shown, looked_at) AS s (clause_id, source_id) ON r.clause_id = s.source_id
        CROSS JOIN LATERAL unnest(coalesce(r.wanted, ARRAY[NULL])) AS w (wanted)
        CROSS JOIN LATERAL (
            SELECT
                a.seq,
                a.created_at
            FROM qms.audit_logs AS a
            ORDER BY a.seq DESC
            LIMIT 1
        ) AS x
        WHERE r.source = 'trail' AND w.wanted = '*';
        RETURN QUERY
        SELECT
            s.clause_id,
            r.source,
            'audit trail entry ' || x.seq || ' (' || w.wanted || ')',
            x.created_at::date,
            NULL::date,
            NULL::text,
            NULL::uuid,
            r.max_age_days,
            1::bigint
        FROM qms.clause_evidence_rules AS r
        INNER JOIN unnest(shown, looked_at) AS s (clause_id, source_id) ON r.clause_id = s.source_id
        CROSS JOIN LATERAL unnest(coalesce(r.wanted, ARRAY[NULL])) AS w (wanted)
        CROSS JOIN LATERAL (
            SELECT
                a.seq,
                a.created_at
            FROM qms.audit_logs AS a
            WHERE a.action = w.wanted AND a.action IN ('export', 'refused', 'locked')
            ORDER BY a.seq DESC
            LIMIT most
        ) AS x
        WHERE r.source = 'trail' AND w.wanted <> '*';
    END IF;
END
$$;
COMMENT ON FUNCTION qms.clause_evidence(uuid [], integer) IS
'What the caller''s organization has for clauses: linked, noted in the matrix, or counting by a rule; the newest `most` of '
'each rule, and how many there are (101: more than 100). A clause that was replaced has that of those it lives on in.';
GRANT EXECUTE ON FUNCTION qms.clause_evidence(uuid [], integer) TO qms_app, qms_sql;

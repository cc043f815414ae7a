"""The arithmetic of quality: control charts, capability, measurement systems, sampling, trends, anomalies.

Pure functions over numbers: no records, no database, no MCP. numpy and scipy are imported inside functions, so that a
server that computes nothing starts without them. Every public function names the source of its formula. What a function
can't answer honestly it refuses with an error that says what to do, or says beside the number in a flag; it never
returns nan, infinity or a number that an assumption it saw broken does not allow, without saying so.

    values = clean(["9.8", 10.1, 10.4], "thickness")      # numbers.py: refuses text, infinities, 1e308
"""

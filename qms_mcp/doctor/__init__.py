"""What works on this machine, what is missing, and what that turns off.

Each module looks at one part and returns findings; none raises, and none prints a secret. A finding is `broken` when
something that is configured or needed does not work, `missing` when something optional is not there, and then it says
what that turns off.
"""

from qms_mcp.doctor.examine import examine
from qms_mcp.doctor.findings import Finding, State

__all__ = ["Finding", "State", "examine"]

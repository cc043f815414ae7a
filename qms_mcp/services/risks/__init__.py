"""Risk items: a line of an FMEA, or the chain from hazard to harm of ISO 14971."""

from qms_mcp.services.risks.service import Risks

__all__ = ["Risks"]

"""Checks of rows against rules: what a rule is, its SQL, the rules a table implies, and running them."""

from qms_mcp.services.validation.models import RuleResult, Validation, ValidationRule
from qms_mcp.services.validation.service import DataValidation

__all__ = ["DataValidation", "RuleResult", "Validation", "ValidationRule"]

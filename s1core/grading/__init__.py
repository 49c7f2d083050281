"""Extraction of final answers and their comparison with the expected one."""

from s1core.grading.extract import Extracted, extract_answer

__all__ = ["Extracted", "extract_answer"]

"""Frames of texts as pandas 3 has them: pandas 2 keeps some texts as objects."""

import pandas as pd

from auditor.ingest.frame import TEXT


def in_texts(findings: pd.DataFrame) -> pd.DataFrame:
    """Findings in plain texts; long texts of audits put together are categorical, too."""
    texts = findings.select_dtypes(exclude=["number", "bool", "boolean", "datetime"]).columns
    return findings.astype(dict.fromkeys(texts, TEXT))


def in_words(lines: pd.DataFrame) -> pd.DataFrame:
    """Claim lines whose words are texts; the codes of the words stay."""
    words = lines.select_dtypes("category")
    return lines.assign(
        **{
            name: column.cat.rename_categories(column.cat.categories.astype(TEXT))
            for name, column in words.items()
        }
    )

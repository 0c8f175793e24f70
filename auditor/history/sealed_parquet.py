"""Files of claim lines in Parquet's own encryption: each has a key of its own, wrapped in it.

Footer and columns are encrypted alike, so that not even names of columns can be read.
"""

import base64
from datetime import timedelta
from functools import cache
from typing import Any

import pyarrow.parquet.encryption as parquet

from auditor.history.seal import Seal

_OF_LINES = "claim lines"


class _Keys(parquet.KmsClient):
    """Wraps the keys of files with that of the history."""

    def __init__(self, seal: Seal) -> None:
        super().__init__()
        self._seal = seal

    def wrap_key(self, key_bytes: bytes, master_key_identifier: str) -> str:
        return base64.b64encode(self._seal.close(key_bytes, master_key_identifier)).decode()

    def unwrap_key(self, wrapped_key: str, master_key_identifier: str) -> Any:
        return self._seal.open(base64.b64decode(wrapped_key), master_key_identifier)


def for_writing(seal: Seal) -> Any:
    """What ``write_table`` takes as ``encryption_properties``."""
    config = parquet.EncryptionConfiguration(
        footer_key=_OF_LINES,
        uniform_encryption=True,  # type: ignore[call-arg]  # the stubs don't know it yet
        encryption_algorithm="AES_GCM_V1",
        plaintext_footer=False,
        double_wrapping=False,
        data_key_length_bits=256,
    )
    return _factory(seal).file_encryption_properties(parquet.KmsConnectionConfig(), config)


def for_reading(seal: Seal) -> Any:
    """What ``ParquetFile`` takes as ``decryption_properties``."""
    config = parquet.DecryptionConfiguration(cache_lifetime=timedelta(minutes=10))
    return _factory(seal).file_decryption_properties(parquet.KmsConnectionConfig(), config)


@cache
def _factory(seal: Seal) -> Any:
    return parquet.CryptoFactory(lambda _config: _Keys(seal))

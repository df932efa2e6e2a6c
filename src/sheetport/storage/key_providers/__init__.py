"""The key services that may wrap a key file. Each needs a package that is installed only where it is used."""

from __future__ import annotations

import importlib

from sheetport.kernel.wrapped import KeyProvider, ProviderError, Wrapping

#: The module and the extra of each; a module is imported when a key file names it.
PLACES = {
    "aws-kms": ("sheetport.storage.key_providers.aws_kms", "aws"),
    "vault-transit": ("sheetport.storage.key_providers.vault_transit", "vault"),
}


def open_provider(wrapping: Wrapping) -> KeyProvider:
    """The key service. Raises ProviderError for one that is unknown or not installed."""
    if wrapping.provider not in PLACES:
        known = " or ".join(PLACES)
        raise ProviderError(f"There is no key service {wrapping.provider[:60]!r}; it is {known}.")
    module, extra = PLACES[wrapping.provider]
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ProviderError(
            f"{wrapping.provider} needs the package {error.name}; install it: pip install 'sheetport[{extra}]'."
        ) from None
    provider: KeyProvider = found.open_provider(wrapping.key)
    return provider

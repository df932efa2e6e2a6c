"""Wire shapes of spaces."""

from sheetport.features.spaces.schemas.space import SpaceConfig, SpaceShape, parse_space, to_shape

__all__ = ["SpaceConfig", "SpaceShape", "parse_space", "to_shape"]

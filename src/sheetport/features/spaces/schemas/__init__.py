"""Wire shapes of spaces and of actions, which spaces have as workbooks and sheets do."""

from sheetport.features.spaces.schemas.space import SpaceConfig, SpaceShape, parse_space, to_shape

__all__ = ["SpaceConfig", "SpaceShape", "parse_space", "to_shape"]

"""Records of a sheet, and the commits that wrote them."""

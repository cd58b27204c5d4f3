"""Where events rest: one narrow door, one file per backing store."""

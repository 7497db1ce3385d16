"""The desk's pages, a file each: widgets only, on functions that are tested without a browser."""

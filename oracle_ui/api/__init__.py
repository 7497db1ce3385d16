"""The door for programs: HTTP and JSON for the same queue that the pages ask from, and webhooks. See docs/api.md."""

"""The Faust app that persists topics: pages of records in, events in the store out."""

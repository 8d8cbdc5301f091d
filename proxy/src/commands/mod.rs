//! What `tollgate <command>` does.

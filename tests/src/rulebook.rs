//! Rulebooks that several tests judge by.

/// A rulebook that allows everything.
pub const POLICY_ALLOW: &str = r#"
version: "test"
generated_at: 2026-01-01T00:00:00Z
expires_at: 2099-01-01T00:00:00Z
defaults: { outcome: DENY }
rules:
  - id: everything
    match: { protocol: [http, mcp] }
    outcome: ALLOW
"#;

/// A rulebook that denies one tool and allows the rest.
pub const POLICY_NO_DELETE: &str = r#"
version: "no-delete"
generated_at: 2026-01-01T00:00:00Z
expires_at: 2099-01-01T00:00:00Z
defaults: { outcome: DENY }
rules:
  - id: no-branch-delete
    match: { tool_name: delete_branch }
    outcome: DENY
  - id: everything
    match: { protocol: [http, mcp] }
    outcome: ALLOW
"#;

//! Files of agents.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]
use tollgate_config::read_agents;

#[test]
fn a_file_has_agents() {
    let text =
        "agents:\n  - id: one\n    owner: team\n    tools: [get_*]\n  - { id: two, uids: [7] }\n";
    let agents = read_agents(text, "a.yaml").unwrap();
    assert_eq!(agents.len(), 2);
    assert_eq!(agents[0].owner.as_deref(), Some("team"));
    assert_eq!(agents[0].tools.as_deref(), Some(&["get_*".to_owned()][..]));
    assert_eq!((agents[1].uids.as_slice(), agents[1].environment.as_str()), (&[7][..], "dev"));
    assert_eq!(read_agents("{\"agents\": [{\"id\": \"one\"}]}", "a.json").unwrap().len(), 1);
}

#[test]
fn mistakes_have_their_place() {
    for (text, path, message) in [
        ("", "", "empty"),
        ("agents: []", "agents", ""),
        ("agent:\n  - id: one", "agent", "is not known"),
        ("agents:\n  - { id: one, trsut: basic }", "agents[0].trsut", "is not known"),
        ("agents:\n  - { id: one }\n  - { id: one }", "agents[1].id", "is also"),
        ("agents:\n  - { id: one, tools: ['[x'] }", "agents[0].tools[0]", ""),
        (
            "agents:\n  - { id: a, uids: [1] }\n  - { id: b, uids: [1] }",
            "agents[1].uids",
            "already means",
        ),
        (
            "agents:\n  - { id: a, certificate: { common_name: x } }\n  - { id: b, certificate: { common_name: x } }",
            "agents[1].certificate.common_name",
            "already means",
        ),
        ("version: 1\nagents:\n  - id: one", "version", "is not known"),
    ] {
        let mistakes = read_agents(text, "a.yaml").unwrap_err();
        let rendered = mistakes.render(false);
        let found =
            mistakes.iter().any(|one| one.path() == path && one.message().contains(message));
        assert!(found, "{text}:\n{rendered}");
        assert!(rendered.contains("a.yaml"), "{rendered}");
    }
}

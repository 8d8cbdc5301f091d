use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials as Keys;

use super::*;
use crate::ledger::{Signer, sign};

/// AWS's published suite for Signature Version 4: its keys, its time, and what must come out.
#[test]
fn signatures_are_those_of_the_published_vectors() {
    let form = "application/x-www-form-urlencoded";
    let hash = "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e";
    #[expect(clippy::type_complexity, reason = "a table that is read once")]
    let vectors: [(&str, &str, &[(&str, &str)], &str, &str); 3] = [
        ("GET", "/", &[], "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        (
            "GET",
            "/?Param2=value2&Param1=value1",
            &[],
            "",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "POST",
            "/",
            &[("content-type", form), ("content-length", "13"), ("x-amz-content-sha256", hash)],
            "Param1=value1",
            "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
        ),
    ];
    for (method, target, headers, body, signature) in vectors {
        let mut request = http::Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(bytes::Bytes::from(body)).unwrap();
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let signer = Signer {
            service: "service",
            region: "us-east-1",
            credentials: Keys::new("AKIDEXAMPLE", secret, None, None, "vectors"),
            // 2015-08-30T12:36:00Z
            time: UNIX_EPOCH + Duration::from_secs(1_440_938_160),
        };
        sign(signer, "https://example.amazonaws.com", &mut request).unwrap();
        let authorization = request.headers()["authorization"].to_str().unwrap();
        assert!(authorization.ends_with(&format!("Signature={signature}")), "{authorization}");
        assert_eq!(request.headers()["x-amz-date"], "20150830T123600Z");
    }
}

#[test]
fn places() {
    let place = |host: &str| {
        Place::build(&CredentialPlace {
            host: host.to_owned(),
            port: 443,
            path: Some("/v1".to_owned()),
            methods: vec!["GET".to_owned()],
            agents: Vec::new(),
            danger_cleartext: false,
        })
        .unwrap()
    };
    for (own, host, is_there) in [
        ("api.test", "api.test", true),
        ("API.test", "api.test", true),
        ("api.test", "xapi.test", false),
        ("api.test", "api.test.evil.test", false),
        ("*.api.test", "a.api.test", true),
        ("*.api.test", "a.b.api.test", true),
        ("*.api.test", "api.test", false),
        ("*.api.test", "evilapi.test", false),
        ("192.0.2.7", "192.0.2.7", true),
    ] {
        let host = Host::parse(host).unwrap();
        assert_eq!(place(own).is_at(&host), is_there, "{own} {host}");
    }
    for (path, below) in
        [("/v1", true), ("/v1/", true), ("/v1/a", true), ("/v1x", false), ("/", false)]
    {
        assert_eq!(is_below(path, "/v1"), below, "{path}");
    }
}

//! What each program is asked to do, and what helps when it does something else.
use std::path::Path;
use std::time::Duration;

/// One way to make a call.
pub(super) struct Probe {
    /// Its name in the table, and the path that it asks for.
    pub(super) name: &'static str,
    /// The program, as it is called on the path.
    pub(super) program: &'static str,
    /// What makes it say its version.
    pub(super) version: &'static [&'static str],
    /// Arguments with which it succeeds when it has what the probe needs.
    pub(super) needs: &'static [&'static str],
    /// The call's arguments.
    pub(super) arguments: fn(&str, &Path) -> std::io::Result<Vec<String>>,
    /// How long it may take.
    pub(super) patience: Duration,
    /// What helps when it goes around.
    pub(super) around: &'static str,
    /// What helps when it does not trust the gate.
    pub(super) distrusts: &'static str,
}

const SHORT: Duration = Duration::from_secs(40);
/// Some compile first.
const LONG: Duration = Duration::from_secs(300);

/// What no variable helps against.
const CONTAIN: &str = "`tollgate run --contain`, or the gate's base URL";

/// A program whose variables suffice in every version that was seen.
const COMMON: Probe = Probe {
    name: "",
    program: "",
    version: &["--version"],
    needs: &[],
    arguments: |_, _| Ok(Vec::new()),
    patience: SHORT,
    around: CONTAIN,
    distrusts: "put the gate's certificate into the image's own trust store",
};

fn words(words: &[&str]) -> std::io::Result<Vec<String>> {
    Ok(words.iter().map(ToString::to_string).collect())
}

pub(super) const PROBES: &[Probe] = &[
    Probe {
        name: "curl",
        program: "curl",
        arguments: |url, _| words(&["-sS", "--max-time", "20", url]),
        around: "remove `noproxy` from ~/.curlrc",
        distrusts: "remove `cacert` or `capath` from ~/.curlrc",
        ..COMMON
    },
    Probe {
        name: "wget",
        program: "wget",
        arguments: |url, _| words(&["-q", "-O", "-", "-t", "1", "-T", "20", url]),
        around: "remove `use_proxy = off` from ~/.wgetrc",
        distrusts: "no variable: `ca_certificate = BUNDLE` in ~/.wgetrc, BUNDLE being `$SSL_CERT_FILE`",
        ..COMMON
    },
    Probe {
        name: "python urllib",
        program: "python3",
        arguments: |url, _| {
            words(&["-c", &format!("import urllib.request as u; u.urlopen({url:?}, timeout=20)")])
        },
        ..COMMON
    },
    Probe {
        name: "python requests",
        program: "python3",
        needs: &["-c", "import requests; print(requests.__version__)"],
        arguments: |url, _| {
            words(&["-c", &format!("import requests; requests.get({url:?}, timeout=20)")])
        },
        ..COMMON
    },
    Probe {
        name: "python httpx",
        program: "python3",
        needs: &["-c", "import httpx; print(httpx.__version__)"],
        arguments: |url, _| {
            words(&["-c", &format!("import httpx; httpx.get({url:?}, timeout=20)")])
        },
        ..COMMON
    },
    Probe {
        name: "python aiohttp",
        program: "python3",
        needs: &["-c", "import aiohttp; print(aiohttp.__version__)"],
        arguments: |url, _| words(&["-c", &aiohttp(url, "")]),
        around: "`ClientSession(trust_env=True)`; else `tollgate run --contain`",
        ..COMMON
    },
    Probe {
        name: "python aiohttp trust_env",
        program: "python3",
        needs: &["-c", "import aiohttp; print(aiohttp.__version__)"],
        arguments: |url, _| words(&["-c", &aiohttp(url, "trust_env=True")]),
        ..COMMON
    },
    Probe {
        name: "node fetch",
        program: "node",
        arguments: |url, _| words(&["-e", &format!("fetch({url:?}).then(r => r.text())")]),
        around: "Node.js 24 or newer, which obeys `NODE_USE_ENV_PROXY`; else `tollgate run --contain`",
        ..COMMON
    },
    Probe {
        name: "node https",
        program: "node",
        arguments: |url, _| {
            words(&["-e", &format!("require('https').get({url:?}, r => r.resume())")])
        },
        around: "Node.js 24 or newer, which obeys `NODE_USE_ENV_PROXY`; else `tollgate run --contain`",
        ..COMMON
    },
    Probe {
        name: "deno fetch",
        program: "deno",
        arguments: |url, _| words(&["eval", &format!("await (await fetch({url:?})).text()")]),
        ..COMMON
    },
    Probe {
        name: "bun fetch",
        program: "bun",
        arguments: |url, _| words(&["-e", &format!("await (await fetch({url:?})).text()")]),
        ..COMMON
    },
    Probe {
        name: "bun node:https",
        program: "bun",
        arguments: |url, _| {
            words(&["-e", &format!("require('node:https').get({url:?}, r => r.resume())")])
        },
        around: "use `fetch`, which obeys; else `tollgate run --contain`",
        ..COMMON
    },
    Probe {
        name: "git",
        program: "git",
        arguments: |url, _| words(&["ls-remote", url]),
        around: "remove `http.proxy` from the git configuration",
        distrusts: "remove `http.sslCAInfo` from the git configuration",
        ..COMMON
    },
    Probe {
        name: "cargo",
        program: "cargo",
        arguments: |_, _| words(&["search", "--registry", "doctor", "probe"]),
        patience: LONG,
        around: "remove `http.proxy` from ~/.cargo/config.toml",
        distrusts: "remove `http.cainfo` from ~/.cargo/config.toml",
        ..COMMON
    },
    Probe {
        name: "npm",
        program: "npm",
        arguments: |url, _| {
            words(&["view", "probe", &format!("--registry={url}/"), "--fetch-retries=0"])
        },
        around: "remove `proxy`, `https-proxy` and `noproxy` from .npmrc",
        distrusts: "remove `cafile` and `ca` from .npmrc",
        ..COMMON
    },
    Probe {
        name: "pip",
        program: "pip",
        arguments: |url, folder| {
            let folder = folder.join("pip").display().to_string();
            words(&[
                "download",
                "--no-deps",
                "--no-cache-dir",
                "--retries",
                "0",
                "--timeout",
                "20",
                "--disable-pip-version-check",
                "-d",
                &folder,
                "-i",
                url,
                "probe",
            ])
        },
        around: "remove `proxy` from pip.conf",
        distrusts: "remove `cert` from pip.conf",
        ..COMMON
    },
    Probe {
        name: "java HttpClient",
        program: "java",
        version: &["-version"],
        arguments: |url, folder| {
            let place = folder.join("Probe.java");
            std::fs::write(&place, JAVA)?;
            words(&[&place.display().to_string(), url])
        },
        patience: LONG,
        around: "`JAVA_TOOL_OPTIONS` is not read by launchers of their own: give them the same `-D` words",
        distrusts: "the same `-Djavax.net.ssl.trustStore` words as `JAVA_TOOL_OPTIONS` has",
        ..COMMON
    },
    Probe {
        name: "go net/http",
        program: "go",
        version: &["version"],
        arguments: |url, folder| {
            let place = folder.join("probe.go");
            std::fs::write(&place, GO)?;
            words(&["run", &place.display().to_string(), url])
        },
        patience: LONG,
        around: "`http.Transport{Proxy: http.ProxyFromEnvironment}`; loopback names are never proxied",
        ..COMMON
    },
];

fn aiohttp(url: &str, how: &str) -> String {
    format!(
        "import asyncio, aiohttp\nasync def go():\n async with aiohttp.ClientSession({how}) as s:\n  \
         async with s.get({url:?}) as r: await r.read()\nasyncio.run(go())"
    )
}

const JAVA: &str = r"import java.net.URI;
import java.net.http.*;

class Probe {
    public static void main(String[] told) throws Exception {
        var ask = HttpRequest.newBuilder(URI.create(told[0])).build();
        HttpClient.newHttpClient().send(ask, HttpResponse.BodyHandlers.discarding());
    }
}
";

const GO: &str = r#"package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	if _, err := http.Get(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
"#;

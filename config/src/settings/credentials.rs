//! Credentials that the gate puts into calls, so that the agent has none.
use std::path::PathBuf;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SecretRef, UpstreamTls, formats, ways_out};

/// A credential that the agent never sees: it sends a placeholder, or nothing.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// Unique; the record, the metrics and the log name it by this. Letters, digits, `-`, `_` and
    /// `.`.
    #[schemars(with = "formats::Name", length(min = 1, max = 63), extend("examples" = ["github"]))]
    pub id: String,
    /// The calls that get it; the first credential that fits is taken.
    #[serde(rename = "for")]
    pub place: CredentialPlace,
    /// What the agent holds instead; `tollgate-` and the id when absent. Visible ASCII. A call with
    /// it in it goes to this host or nowhere.
    #[serde(default)]
    #[schemars(with = "Option<formats::Word>", length(min = 8, max = 255), extend("examples" = ["tollgate-github"]))]
    pub placeholder: Option<String>,
    /// What is put in, and where.
    pub give: Give,
}

impl Credential {
    /// What the agent holds instead of it.
    pub fn placeholder(&self) -> String {
        self.placeholder.clone().unwrap_or_else(|| format!("tollgate-{}", self.id))
    }
}

/// Which calls get a credential. All that is given must fit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialPlace {
    /// The upstream's host as the route has it: exact, or `*.suffix` for everything below a name.
    #[schemars(with = "formats::HostPattern", length(min = 1, max = 253), extend("examples" = ["api.example.org"]))]
    pub host: String,
    /// The upstream's port.
    #[serde(default = "https_port")]
    #[schemars(range(min = 1, max = 65_535))]
    pub port: u16,
    /// A prefix of whole segments of the path that the upstream gets; any when absent.
    #[serde(default)]
    #[schemars(with = "Option<formats::Prefix>", length(min = 2, max = 255))]
    pub path: Option<String>,
    /// The methods; any when empty.
    #[serde(default)]
    #[schemars(with = "Vec<formats::Word>", length(max = 16), extend("examples" = [["GET", "POST"]]))]
    pub methods: Vec<String>,
    /// Patterns over agents' ids; any agent when empty.
    #[serde(default)]
    #[schemars(with = "Vec<formats::Pattern>", length(max = 1000))]
    pub agents: Vec<String>,
    /// Send it without TLS, too, to an upstream that is not on loopback.
    #[serde(default)]
    pub danger_cleartext: bool,
}

fn https_port() -> u16 {
    443
}

/// What is put into a call.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Give {
    /// A header.
    Header(GiveHeader),
    /// HTTP Basic authentication.
    Basic(GiveBasic),
    /// A parameter of the query.
    Query(GiveQuery),
    /// A cookie.
    Cookie(GiveCookie),
    /// A signature of AWS's Signature Version 4.
    AwsSigv4(GiveAws),
    /// A bearer token that the gate gets for itself (OAuth 2.0 client credentials).
    OauthClient(GiveOauthClient),
    /// A bearer token in exchange for another (RFC 8693).
    TokenExchange(GiveTokenExchange),
}

/// A header with a secret.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveHeader {
    /// Its name.
    #[serde(default = "authorization")]
    #[schemars(with = "formats::Name", length(min = 1, max = 63))]
    pub name: String,
    /// What stands before the secret, such as `Bearer ` with its space.
    #[serde(default)]
    #[schemars(with = "formats::Word", length(max = 63), extend("examples" = ["Bearer "]))]
    pub prefix: String,
    /// Where the secret is.
    pub secret: SecretRef,
}

fn authorization() -> String {
    "authorization".to_owned()
}

/// A user and a password.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveBasic {
    /// The user.
    #[schemars(with = "formats::Word", length(min = 1, max = 255), extend("examples" = ["x-access-token"]))]
    pub user: String,
    /// Where the password is.
    pub secret: SecretRef,
}

/// A parameter of the query.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveQuery {
    /// Its name.
    #[schemars(with = "formats::Name", length(min = 1, max = 63), extend("examples" = ["key"]))]
    pub parameter: String,
    /// Where its value is.
    pub secret: SecretRef,
}

/// A cookie.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveCookie {
    /// Its name.
    #[schemars(with = "formats::Name", length(min = 1, max = 63), extend("examples" = ["session"]))]
    pub name: String,
    /// Where its value is.
    pub secret: SecretRef,
}

/// A signature over the whole request. Without keys here they are found as every AWS client finds
/// them: environment, profile, web identity, container, instance.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveAws {
    /// The service's name as it is signed.
    #[schemars(with = "formats::Name", length(min = 1, max = 63), extend("examples" = ["bedrock"]))]
    pub service: String,
    /// The region as it is signed.
    #[schemars(with = "formats::Name", length(min = 1, max = 63), extend("examples" = ["eu-central-1"]))]
    pub region: String,
    /// Where the access key's id is. Needs `secret_access_key`.
    #[serde(default)]
    pub access_key_id: Option<SecretRef>,
    /// Where the secret access key is. Needs `access_key_id`.
    #[serde(default)]
    pub secret_access_key: Option<SecretRef>,
    /// Where the session's token is, for keys that end.
    #[serde(default)]
    pub session_token: Option<SecretRef>,
}

/// A bearer token for the gate itself.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveOauthClient {
    /// Who gives the token.
    pub server: TokenServer,
    /// The scope that is asked for.
    #[serde(default)]
    #[schemars(with = "Option<formats::Word>", length(min = 1, max = 1024), extend("examples" = ["tools:read"]))]
    pub scope: Option<String>,
    /// The audience that is asked for.
    #[serde(default)]
    #[schemars(with = "Option<formats::Word>", length(min = 1, max = 1024))]
    pub audience: Option<String>,
    /// The resource that is asked for (RFC 8707).
    #[serde(default)]
    #[schemars(with = "Option<formats::Url>", length(min = 1, max = 2048))]
    pub resource: Option<String>,
}

/// A bearer token for what a user may do, given to the agent that acts for them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveTokenExchange {
    /// Who exchanges.
    pub server: TokenServer,
    /// Where the token is of the user on whose behalf the agent acts. When absent, it is the bearer
    /// token that the agent sends with the call, which then goes no further.
    #[serde(default)]
    pub subject_token: Option<SecretRef>,
    /// What it is.
    #[serde(default = "access_token_type")]
    #[schemars(with = "formats::Word", length(min = 1, max = 255))]
    pub subject_token_type: String,
    /// Where the token is of the agent that acts.
    #[serde(default)]
    pub actor_token: Option<SecretRef>,
    /// What it is.
    #[serde(default = "jwt_type")]
    #[schemars(with = "formats::Word", length(min = 1, max = 255))]
    pub actor_token_type: String,
    /// What is wanted; the server decides when absent.
    #[serde(default)]
    #[schemars(with = "Option<formats::Word>", length(min = 1, max = 255), extend("examples" = ["urn:ietf:params:oauth:token-type:access_token"]))]
    pub requested_token_type: Option<String>,
    /// The subject of the claim `act` in the token that comes; another token is not used. For
    /// tokens that are JWTs.
    #[serde(default)]
    #[schemars(with = "Option<formats::Word>", length(min = 1, max = 2048), extend("examples" = ["spiffe://example.org/agents/coder"]))]
    pub expect_actor: Option<String>,
    /// How many actors the token that comes may name, one within the other (`act` in `act`): who acts
    /// now, and those who acted before. For tokens that are JWTs. Not looked at when absent.
    #[serde(default)]
    #[schemars(range(max = 16), extend("examples" = [2]))]
    pub actors_max: Option<u32>,
    /// The scope that is asked for.
    #[serde(default)]
    #[schemars(with = "Option<formats::Word>", length(min = 1, max = 1024), extend("examples" = ["tools:read"]))]
    pub scope: Option<String>,
    /// The audience that is asked for.
    #[serde(default)]
    #[schemars(with = "Option<formats::Word>", length(min = 1, max = 1024))]
    pub audience: Option<String>,
    /// The resource that is asked for (RFC 8707).
    #[serde(default)]
    #[schemars(with = "Option<formats::Url>", length(min = 1, max = 2048))]
    pub resource: Option<String>,
}

fn access_token_type() -> String {
    "urn:ietf:params:oauth:token-type:access_token".to_owned()
}

fn jwt_type() -> String {
    "urn:ietf:params:oauth:token-type:jwt".to_owned()
}

/// The token endpoint of an authorization server. It is reached as upstreams are: its addresses are
/// checked, and its name is verified.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenServer {
    /// `https://` URL of the endpoint; `http://` to loopback only.
    #[schemars(with = "formats::Url", length(min = 1, max = 2048), extend("examples" = ["https://login.example.org/oauth2/token"]))]
    pub url: String,
    /// Who the gate is there.
    #[serde(default)]
    #[schemars(with = "Option<formats::Word>", length(min = 1, max = 255), extend("examples" = ["tollgate"]))]
    pub client_id: Option<String>,
    /// Where the gate's secret there is.
    #[serde(default)]
    pub client_secret: Option<SecretRef>,
    /// How the gate shows it.
    #[serde(default)]
    pub client_auth: ClientAuth,
    /// Ranges of addresses that are refused by default and are wanted here.
    #[serde(default, deserialize_with = "ways_out::ranges")]
    #[schemars(with = "Vec<formats::AddressRange>", length(max = 256))]
    pub allow_addresses: Vec<IpNet>,
    /// TLS towards the server. The name is verified always; there is no switch.
    #[serde(default)]
    pub tls: UpstreamTls,
}

/// See [`TokenServer::client_auth`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// In the header `Authorization` (RFC 6749 section 2.3.1).
    #[default]
    Basic,
    /// In the form, beside the rest.
    Form,
}

impl Give {
    /// Every secret of it, with the key that names it.
    pub fn secrets(&self) -> Vec<(&'static str, &SecretRef)> {
        match self {
            Self::Header(GiveHeader { secret, .. })
            | Self::Basic(GiveBasic { secret, .. })
            | Self::Query(GiveQuery { secret, .. })
            | Self::Cookie(GiveCookie { secret, .. }) => vec![("secret", secret)],
            Self::AwsSigv4(aws) => {
                let keys = [
                    ("access_key_id", &aws.access_key_id),
                    ("secret_access_key", &aws.secret_access_key),
                    ("session_token", &aws.session_token),
                ];
                keys.into_iter().filter_map(|(key, place)| Some((key, place.as_ref()?))).collect()
            }
            Self::OauthClient(oauth) => {
                oauth.server.client_secret.iter().map(|place| ("client_secret", place)).collect()
            }
            Self::TokenExchange(exchange) => {
                let keys = [
                    ("client_secret", &exchange.server.client_secret),
                    ("subject_token", &exchange.subject_token),
                    ("actor_token", &exchange.actor_token),
                ];
                keys.into_iter().filter_map(|(key, place)| Some((key, place.as_ref()?))).collect()
            }
        }
    }

    /// Whoever gives the token, where one is fetched.
    pub fn server(&self) -> Option<&TokenServer> {
        match self {
            Self::OauthClient(oauth) => Some(&oauth.server),
            Self::TokenExchange(exchange) => Some(&exchange.server),
            Self::Header(_)
            | Self::Basic(_)
            | Self::Query(_)
            | Self::Cookie(_)
            | Self::AwsSigv4(_) => None,
        }
    }

    /// The files whose content is a part of it.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        self.clone().paths(&mut |path| files.push(path.clone()));
        files
    }

    /// Every file that it names.
    pub(super) fn paths(&mut self, visit: &mut impl FnMut(&mut PathBuf)) {
        let mut file = |secret: &mut SecretRef| {
            if let SecretRef::File(path) = secret {
                visit(path);
            }
        };
        let server = match self {
            Self::Header(GiveHeader { secret, .. })
            | Self::Basic(GiveBasic { secret, .. })
            | Self::Query(GiveQuery { secret, .. })
            | Self::Cookie(GiveCookie { secret, .. }) => return file(secret),
            Self::AwsSigv4(aws) => {
                return [
                    &mut aws.access_key_id,
                    &mut aws.secret_access_key,
                    &mut aws.session_token,
                ]
                .into_iter()
                .flatten()
                .for_each(file);
            }
            Self::OauthClient(oauth) => &mut oauth.server,
            Self::TokenExchange(exchange) => {
                let tokens = [&mut exchange.subject_token, &mut exchange.actor_token];
                tokens.into_iter().flatten().for_each(&mut file);
                &mut exchange.server
            }
        };
        server.client_secret.iter_mut().for_each(file);
        let tls = &mut server.tls;
        [&mut tls.ca, &mut tls.client_certificate, &mut tls.client_key]
            .into_iter()
            .flatten()
            .for_each(visit);
    }
}

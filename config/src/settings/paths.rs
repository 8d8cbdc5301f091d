//! Every path of the settings, joined with the directory that relative paths are relative to.
use std::path::{Path, PathBuf};

use super::{KeyService, Known, Listener, NatsAuth, SecretRef, ServerTls, Settings, Sink};

impl Settings {
    /// Joins every relative path with `base`, the directory of the configuration file. Nothing is
    /// opened or looked up.
    pub fn resolve(&mut self, base: &Path) {
        self.paths(&mut |path| {
            // Joining an absolute path gives that path.
            *path = base.join(&*path);
        });
    }

    fn paths(&mut self, visit: &mut impl FnMut(&mut PathBuf)) {
        for listener in &mut self.listeners {
            match listener {
                Listener::Tls(tls) => tls.paths(visit),
                Listener::Unix(unix) => visit(&mut unix.path),
                Listener::Plain(_) | Listener::Transparent(_) => {}
            }
        }
        self.agents_folder.iter_mut().for_each(&mut *visit);
        if let Some(api) = &mut self.workload_api {
            visit(&mut api.socket);
        }
        for route in &mut self.routes {
            let tls = &mut route.upstream.tls;
            [&mut tls.ca, &mut tls.client_certificate, &mut tls.client_key]
                .into_iter()
                .flatten()
                .for_each(&mut *visit);
        }
        if let Some(forward) = &mut self.forward_proxy {
            let tls = &mut forward.tls;
            [&mut tls.ca, &mut tls.client_certificate, &mut tls.client_key]
                .into_iter()
                .flatten()
                .for_each(&mut *visit);
            if let Some(intercept) = &mut forward.intercept {
                visit(&mut intercept.certificate);
                intercept.key.iter_mut().for_each(&mut *visit);
            }
        }
        let ca = self.parent_proxy.as_mut().and_then(|parent| parent.ca.as_mut());
        ca.into_iter().for_each(&mut *visit);
        let parent = self.parent_proxy.as_mut().and_then(|parent| parent.credentials.as_mut());
        parent.into_iter().for_each(|credentials| file(&mut credentials.secret, visit));
        self.credentials.iter_mut().for_each(|credential| credential.give.paths(visit));
        self.resolver.ca.iter_mut().for_each(&mut *visit);
        visit(&mut self.policy.bundle);
        self.policy.secret.iter_mut().for_each(|secret| file(secret, visit));
        self.admin.token.iter_mut().for_each(|token| file(token, visit));
        self.dlp.tokens.key.iter_mut().for_each(|key| file(key, visit));
        known(&mut self.dlp.known, visit);
        visit(&mut self.audit.spool);
        self.audit.signer.key.iter_mut().for_each(&mut *visit);
        self.audit.signer.service.iter_mut().for_each(|service| key_service(service, visit));
        self.audit.sinks.iter_mut().for_each(|sink| sink_paths(sink, visit));
    }
}

fn known(known: &mut Known, visit: &mut impl FnMut(&mut PathBuf)) {
    for records in &mut known.records {
        visit(&mut records.file);
        file(&mut records.key, visit);
    }
    for documents in &mut known.documents {
        visit(&mut documents.file);
        file(&mut documents.key, visit);
    }
    known.canaries.iter_mut().for_each(|canary| file(&mut canary.value, visit));
    known.secrets.env_files.iter_mut().for_each(&mut *visit);
    known.secrets.folders.iter_mut().for_each(&mut *visit);
}

fn sink_paths(sink: &mut Sink, visit: &mut impl FnMut(&mut PathBuf)) {
    match sink {
        Sink::Http(http) => {
            http.ca.iter_mut().for_each(&mut *visit);
            http.token.iter_mut().for_each(|token| file(token, visit));
            http.signature.iter_mut().for_each(|signature| visit(&mut signature.key));
        }
        Sink::Syslog(syslog) => {
            let Some(tls) = &mut syslog.tls else { return };
            [&mut tls.ca, &mut tls.client_certificate, &mut tls.client_key]
                .into_iter()
                .flatten()
                .for_each(&mut *visit);
        }
        Sink::Folder(folder) => visit(&mut folder.directory),
        Sink::S3(s3) => s3.ca.iter_mut().for_each(&mut *visit),
        Sink::Stdout(_) => {}
        Sink::Nats(nats) => {
            server_tls(&mut nats.tls, visit);
            match &mut nats.auth {
                Some(
                    NatsAuth::Token(secret)
                    | NatsAuth::Nkey(secret)
                    | NatsAuth::Credentials(secret),
                ) => file(secret, visit),
                None => {}
            }
        }
        Sink::Otlp(otlp) => {
            otlp.ca.iter_mut().for_each(&mut *visit);
            otlp.headers.iter_mut().for_each(|header| file(&mut header.value, visit));
        }
        Sink::Postgres(postgres) => {
            server_tls(&mut postgres.tls, visit);
            postgres.password.iter_mut().for_each(|password| file(password, visit));
        }
    }
}

fn key_service(service: &mut KeyService, visit: &mut impl FnMut(&mut PathBuf)) {
    match service {
        KeyService::AwsKms(kms) => kms.ca.iter_mut().for_each(visit),
        KeyService::Pkcs11(token) => {
            visit(&mut token.module);
            file(&mut token.pin, visit);
        }
        KeyService::SigningProxy(proxy) => {
            visit(&mut proxy.public_key);
            proxy.api_key.iter_mut().for_each(|key| file(key, visit));
            [&mut proxy.ca, &mut proxy.client_certificate, &mut proxy.client_key]
                .into_iter()
                .flatten()
                .for_each(visit);
        }
    }
}

fn server_tls(tls: &mut Option<ServerTls>, visit: &mut impl FnMut(&mut PathBuf)) {
    let Some(tls) = tls else { return };
    [&mut tls.ca, &mut tls.client_certificate, &mut tls.client_key]
        .into_iter()
        .flatten()
        .for_each(&mut *visit);
}

fn file(secret: &mut SecretRef, visit: &mut impl FnMut(&mut PathBuf)) {
    match secret {
        SecretRef::File(path) => visit(path),
        SecretRef::Env(_) => {}
    }
}

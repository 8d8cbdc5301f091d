//! Variables in the words of a shell.
use clap::ValueEnum;

/// Who reads the variables.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Shell {
    /// sh, bash, zsh, dash: `eval "$(tollgate env)"`
    Sh,
    /// fish: `tollgate env --shell fish | source`
    Fish,
    /// PowerShell: `tollgate env --shell powershell | Out-String | Invoke-Expression`
    Powershell,
    /// One JSON object
    Json,
}

impl Shell {
    /// One text that sets all of them.
    pub fn write(self, variables: &[(&'static str, String)]) -> String {
        if self == Self::Json {
            let object = variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.as_str().into()))
                .collect::<serde_json::Map<_, _>>();
            return format!("{:#}\n", serde_json::Value::Object(object));
        }
        variables.iter().map(|(name, value)| self.line(name, value)).collect()
    }

    fn line(self, name: &str, value: &str) -> String {
        match self {
            Self::Fish => {
                let value = value.replace('\\', "\\\\").replace('\'', "\\'");
                format!("set -gx {name} '{value}'\n")
            }
            Self::Powershell => format!("$env:{name} = '{}'\n", value.replace('\'', "''")),
            Self::Sh | Self::Json => {
                format!("export {name}='{}'\n", value.replace('\'', r"'\''"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_stay_inside() {
        let variables = [("A", r"it's \ $HOME".to_owned())];
        for (shell, expect) in [
            (Shell::Sh, "export A='it'\\''s \\ $HOME'\n"),
            (Shell::Fish, "set -gx A 'it\\'s \\\\ $HOME'\n"),
            (Shell::Powershell, "$env:A = 'it''s \\ $HOME'\n"),
            (Shell::Json, "{\n  \"A\": \"it's \\\\ $HOME\"\n}\n"),
        ] {
            assert_eq!(shell.write(&variables), expect);
        }
    }
}

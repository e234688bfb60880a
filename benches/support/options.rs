//! What the benchmarks take on the command line.

use anyhow::{Context, bail, ensure};

/// The words behind the program's name, without the one that cargo adds.
pub(crate) fn arguments() -> Vec<String> {
    std::env::args().skip(1).filter(|argument| argument != "--bench").collect()
}

/// `[--rounds N] [--only PART]… [--quick]`
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// How often everything is measured.
    pub(crate) rounds: usize,
    /// Whether a look is enough.
    pub(crate) quick: bool,
    only: Vec<String>,
}

impl Options {
    /// Reads them; `parts` are what `--only` may name.
    pub(crate) fn read(arguments: &[String], parts: &[&str]) -> anyhow::Result<Self> {
        let mut options = Self { rounds: 3, quick: false, only: Vec::new() };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--rounds" => {
                    options.rounds = arguments.next().context("--rounds: how many?")?.parse()?;
                }
                "--only" => {
                    let known = parts.join(", ");
                    let part = arguments.next().with_context(|| format!("--only: {known}?"))?;
                    ensure!(parts.contains(&part.as_str()), "--only {part}: it is none of {known}");
                    options.only.push(part.clone());
                }
                "--quick" => options.quick = true,
                other => bail!("unknown argument {other}"),
            }
        }
        if options.quick {
            options.rounds = 1;
        }
        Ok(options)
    }

    /// Whether a part is to be measured.
    pub(crate) fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
    }
}

//! The binary: parse, run the verb, answer with an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    pivotal_reminders::cli::main()
}

//! The command-line tool: issues IDs, takes them apart, and looks after leases.
#![forbid(unsafe_code)]

mod at;
mod decode;
mod generate;
mod lease;
mod output;
mod status;
mod store;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use output::warn;

/// Issues and decodes Snowflake IDs, and manages the leases of node IDs.
#[derive(Parser)]
#[command(
    name = "snowflake",
    version,
    after_help = "Exit status: 0 for success, 1 for a failure, 2 for wrong arguments.\n\n\
        Every ID is a number of 63 bits: 41 bits of milliseconds since the epoch, 10 bits of node \
        ID and 12 bits of sequence. The epoch is not part of an ID: use the one that the IDs were \
        issued with."
)]
struct Cli {
    /// Print JSON: one object for each line.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Generate(generate::Generate),
    Decode(decode::Decode),
    At(at::At),
    /// Manage the leases of a store.
    #[command(subcommand)]
    Lease(lease::LeaseCommand),
    /// Print the completions for a shell.
    ///
    /// For bash: `snowflake completions bash > /etc/bash_completion.d/snowflake`.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    ///
    /// `snowflake man > snowflake.1`, then `man ./snowflake.1`.
    Man,
}

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let Cli { json, command } = Cli::parse();
    match run(command, json) {
        Ok(code) => code,
        Err(error) => {
            warn(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command, json: bool) -> Result<ExitCode, Failure> {
    match command {
        Command::Generate(generate) => generate.run(json)?,
        Command::Decode(decode) => return decode.run(json),
        Command::At(at) => at.run()?.print(json)?,
        Command::Lease(command) => return lease::run(command, json),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "snowflake", &mut script);
            print(&script)?;
        }
        Command::Man => print(&manual()?)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the manual page, with the pages of the subcommands after the first.
fn manual() -> Result<Vec<u8>, Failure> {
    let mut command = Cli::command();
    command.build();
    let mut page = Vec::new();
    render(&command, "snowflake", &mut page)?;
    Ok(page)
}

fn render(command: &clap::Command, name: &str, page: &mut Vec<u8>) -> Result<(), Failure> {
    clap_mangen::Man::new(command.clone().display_name(name)).render(page)?;
    for subcommand in command.get_subcommands().filter(|command| command.get_name() != "help") {
        render(subcommand, &format!("{name}-{}", subcommand.get_name()), page)?;
    }
    Ok(())
}

fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut lines = output::Lines::new();
    lines.write_line(&String::from_utf8_lossy(bytes).trim_end())?;
    lines.flush().map(drop)
}

//! The arrows between the modules, as `src/lib.rs` draws them: whoever needs another one changes this list, and says why in
//! `docs/decisions.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Used by everybody; they use nothing of ours but each other.
const LEAVES: [&str; 4] = ["clock", "config", "db", "telemetry"];

/// Who may use whom, beside the leaves and `domain`, which everybody may use.
const ARROWS: [(&str, &[&str]); 11] = [
    ("queue", &[]),
    ("store", &["queue"]),
    ("render", &[]),
    ("deliver", &[]),
    ("scheduler", &["store"]),
    ("worker", &["store", "queue", "render", "deliver"]),
    ("operate", &["store", "queue", "render"]),
    ("alerts", &["operate", "store", "render", "deliver"]),
    ("api", &["operate", "store"]),
    ("console", &["operate", "store", "render", "api"]),
    ("cli", &["operate", "store", "api", "app", "scheduler", "worker", "deliver"]),
];

/// Whether `from` may use `to`, two modules of the crate.
fn may_use(from: &str, to: &str) -> bool {
    if from == to || LEAVES.contains(&to) {
        return true;
    }
    match from {
        // lib.rs only names the modules.
        "domain" | "lib" => false,
        _ if LEAVES.contains(&from) => false,
        // The composition root makes everything but the command line, which makes it.
        "app" => to != "cli",
        "main" => to == "cli",
        _ => {
            let known = ARROWS.iter().find(|(module, _)| *module == from);
            to == "domain" || known.is_some_and(|(_, targets)| targets.contains(&to))
        }
    }
}

/// Macros are exported at the root of the crate, whichever module writes them.
const MACROS: [(&str, &str); 2] = [("on", "db"), ("fetch_by_ids", "db")];

/// The text of every test and of every source, for lists of tests that must exist.
pub(crate) fn texts() -> Vec<String> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let files = [rust_files(&tests), rust_files(&sources())].concat();
    files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

/// Every Rust file below `folder`.
pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The folder of the sources.
pub(crate) fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The modules that the tokens name behind `crate::` (in the binary: behind the crate's name), alone or in braces.
fn named(tokens: TokenStream, into: &mut BTreeSet<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            named(group.stream(), into);
        }
        let root = matches!(token, TokenTree::Ident(ident) if ident == "crate" || ident == "pivotal_reminders");
        let path =
            |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(p)) if p.as_char() == ':');
        if !root || !path(at + 1) || !path(at + 2) {
            continue;
        }
        match tokens.get(at + 3) {
            Some(TokenTree::Ident(ident)) => drop(into.insert(ident.to_string())),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                into.extend(heads(group.stream()));
            }
            _ => {}
        }
    }
}

/// The first word of every path in `{a, b::c, d::{e, f}}`.
fn heads(list: TokenStream) -> Vec<String> {
    let mut heads = Vec::new();
    let mut first = true;
    for token in list {
        match token {
            TokenTree::Ident(ident) if first => {
                heads.push(ident.to_string());
                first = false;
            }
            TokenTree::Punct(punct) if punct.as_char() == ',' => first = true,
            _ => {}
        }
    }
    heads
}

/// The module at the top of the crate to which a file belongs.
fn module_of(file: &Path) -> String {
    let inside = file.strip_prefix(sources()).unwrap();
    let top = inside.components().next().unwrap().as_os_str().to_string_lossy();
    top.trim_end_matches(".rs").to_owned()
}

#[test]
fn every_arrow_between_modules_is_one_of_the_list() {
    let modules: BTreeSet<String> = rust_files(&sources()).iter().map(|f| module_of(f)).collect();
    let mut wrong = Vec::new();
    for file in rust_files(&sources()) {
        let from = module_of(&file);
        let tokens: TokenStream = std::fs::read_to_string(&file).unwrap().parse().unwrap();
        let mut used = BTreeSet::new();
        named(tokens, &mut used);
        for name in used {
            let to =
                MACROS.iter().find(|(m, _)| *m == name).map_or(name.as_str(), |(_, home)| home);
            // A type re-exported at the root would hide an arrow.
            if !modules.contains(to) || !may_use(&from, to) {
                wrong
                    .push(format!("{} uses {to}", file.strip_prefix(sources()).unwrap().display()));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that the list does not have:\n{}", wrong.join("\n"));
}

#[test]
fn the_list_has_no_circle_and_no_module_that_is_gone() {
    let modules: BTreeSet<String> = rust_files(&sources()).iter().map(|f| module_of(f)).collect();
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.into_iter().collect();
    for (from, targets) in &arrows {
        assert!(modules.contains(*from), "{from} is gone");
        let mut seen = BTreeSet::new();
        let mut ahead: Vec<&str> = targets.to_vec();
        while let Some(next) = ahead.pop() {
            assert_ne!(next, *from, "a circle through {from}");
            if seen.insert(next) {
                ahead.extend(arrows.get(next).copied().unwrap_or_default());
            }
        }
    }
    let listed = |module: &str| {
        arrows.contains_key(module)
            || LEAVES.contains(&module)
            || ["app", "domain", "lib", "main"].contains(&module)
    };
    for module in &modules {
        assert!(listed(module), "{module} has no place in the list");
    }
}

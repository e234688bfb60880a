//! Finds the SQL in Rust source: literals, constants and the macros that put statements together. Works on tokens, so neither comments
//! nor formatting can hide a statement.

use std::collections::HashMap;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// What only one of the two databases understands.
const POSTGRES_ONLY: [&str; 7] =
    ["UNNEST(", "ANY($", "FOR UPDATE", "EXTRACT(", "pg_", "information_schema", "apalis."];
const SQLITE_ONLY: [&str; 6] =
    ["json_each(", "->>", "unixepoch(", "sqlite_master", " Jobs ", "INDEXED BY"];

/// A statement and the file that it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) file: String,
}

impl Statement {
    pub(crate) fn is_for_postgres(&self) -> bool {
        !SQLITE_ONLY.iter().any(|mark| self.sql.contains(mark))
    }

    pub(crate) fn is_for_sqlite(&self) -> bool {
        !POSTGRES_ONLY.iter().any(|mark| self.sql.contains(mark))
    }
}

/// What must be known of the macros of all files.
#[derive(Debug, Default)]
pub(crate) struct Macros {
    /// What `finders!` puts behind its `SELECT`: the ends of `concat!($select, "…")` in its definition.
    tails: Vec<String>,
    /// Macros without arguments that stand for a text.
    texts: HashMap<String, String>,
}

impl Macros {
    /// Takes in the definitions of one file.
    pub(crate) fn read(&mut self, source: &str) {
        let tokens: Vec<TokenTree> = source.parse::<TokenStream>().unwrap().into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            let TokenTree::Group(group) = token else { continue };
            if !is_definition(&tokens, at) {
                continue;
            }
            let name = tokens[at - 1].to_string();
            let body: Vec<TokenTree> = group.stream().into_iter().collect();
            if name == "finders" {
                self.collect_tails(group.stream());
            }
            if let [TokenTree::Group(none), _, _, TokenTree::Group(text), ..] = &body[..]
                && none.stream().is_empty()
                && let Some(text) = literal(&text.stream().into_iter().collect::<Vec<_>>())
            {
                self.texts.insert(name, text);
            }
        }
    }

    fn collect_tails(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            let TokenTree::Group(group) = token else { continue };
            if macro_name(&tokens, at).as_deref() == Some("concat") {
                self.tails.extend(arguments(group).iter().filter_map(|argument| literal(argument)));
            } else {
                self.collect_tails(group.stream());
            }
        }
    }
}

/// Every statement of one file.
pub(crate) fn statements(file: &str, source: &str, macros: &Macros) -> Vec<Statement> {
    let mut walk = Walk { macros, constants: HashMap::new(), found: Vec::new() };
    walk.tokens(source.parse().unwrap_or_else(|_| panic!("{file} is no Rust")));
    walk.found.into_iter().map(|sql| Statement { sql, file: file.to_owned() }).collect()
}

fn is_statement(text: &str) -> bool {
    let word = text.split_whitespace().next().unwrap_or_default();
    text.contains(' ') && ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].contains(&word)
}

/// `name` in `name!(…)`, where `at` is the place of the group.
fn macro_name(tokens: &[TokenTree], at: usize) -> Option<String> {
    match (tokens.get(at.checked_sub(2)?)?, tokens.get(at - 1)?) {
        (TokenTree::Ident(name), TokenTree::Punct(bang)) if bang.as_char() == '!' => {
            Some(name.to_string())
        }
        _ => None,
    }
}

/// The comma-separated arguments of a macro.
fn arguments(group: &Group) -> Vec<Vec<TokenTree>> {
    let mut arguments = vec![Vec::new()];
    for token in group.stream() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == ',' => arguments.push(Vec::new()),
            other => arguments.last_mut().unwrap().push(other),
        }
    }
    arguments
}

/// The text of an argument that is one string literal.
fn literal(argument: &[TokenTree]) -> Option<String> {
    let [TokenTree::Literal(literal)] = argument else { return None };
    match syn::Lit::new(literal.clone()) {
        syn::Lit::Str(text) => Some(text.value()),
        _ => None,
    }
}

struct Walk<'a> {
    macros: &'a Macros,
    constants: HashMap<String, String>,
    found: Vec<String>,
}

impl Walk<'_> {
    fn tokens(&mut self, stream: TokenStream) {
        let tokens: Vec<TokenTree> = stream.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => match macro_name(&tokens, at) {
                    Some(name) => self.called(&name, group),
                    // The body of a macro is no statement before somebody calls it, and a comment never is.
                    None if is_definition(&tokens, at) || is_attribute(&tokens, at) => {}
                    None => self.tokens(group.stream()),
                },
                TokenTree::Literal(_) => {
                    let text = literal(std::slice::from_ref(token));
                    self.found.extend(text.filter(|text| is_statement(text)));
                }
                TokenTree::Ident(word) if word == "const" => self.constant(&tokens[at + 1..]),
                _ => {}
            }
        }
    }

    /// Remembers `NAME: &str = value;`. Constants come before their use; a later one of the same name hides an earlier one.
    fn constant(&mut self, tokens: &[TokenTree]) {
        let Some(TokenTree::Ident(name)) = tokens.first() else { return };
        let is = |token: &TokenTree, c| matches!(token, TokenTree::Punct(p) if p.as_char() == c);
        let Some(equals) = tokens.iter().position(|token| is(token, '=') || is(token, ';')) else {
            return;
        };
        let value: Vec<TokenTree> =
            tokens[equals + 1..].iter().take_while(|token| !is(token, ';')).cloned().collect();
        if let Some(text) = self.value(&value) {
            self.constants.insert(name.to_string(), text);
        }
    }

    /// The text of a literal, a constant, a macro that stands for a text, or a `concat!` of these.
    fn value(&self, tokens: &[TokenTree]) -> Option<String> {
        match tokens {
            [TokenTree::Ident(name)] => self.constants.get(&name.to_string()).cloned(),
            [.., TokenTree::Group(group)] => {
                let name = macro_name(tokens, tokens.len() - 1)?;
                if name != "concat" {
                    return self.macros.texts.get(&name).cloned();
                }
                let parts = arguments(group);
                parts.iter().filter(|part| !part.is_empty()).map(|part| self.value(part)).collect()
            }
            _ => literal(tokens),
        }
    }

    fn called(&mut self, name: &str, group: &Group) {
        let arguments = arguments(group);
        let value = |at: usize| arguments.get(at).and_then(|argument| self.value(argument));
        match name {
            "concat" => {
                let parts: Option<String> = arguments
                    .iter()
                    .filter(|part| !part.is_empty())
                    .map(|part| self.value(part))
                    .collect();
                self.found.extend(parts.filter(|text| is_statement(text)));
            }
            "fetch_by_ids" => {
                // A row type with a comma in it stands in parentheses, so the places are fixed.
                let (head, tail) = (value(2).expect("a head"), value(4).expect("a tail"));
                self.found.push(format!("{head} = ANY($1){tail}"));
                self.found.push(format!("{head} IN (SELECT value FROM json_each($1)){tail}"));
            }
            "fetch_locked" => {
                let sql = value(2).expect("a statement");
                self.found.push(format!("{sql} FOR UPDATE"));
                self.found.push(sql);
            }
            "finders" => {
                let select = value(1).expect("a select");
                for tail in &self.macros.tails {
                    self.found.push(format!("{select}{tail}"));
                    self.found.push(format!("{select}{tail} FOR UPDATE"));
                }
            }
            _ if group.delimiter() == Delimiter::None => {}
            _ => self.tokens(group.stream()),
        }
    }
}

/// `macro_rules! name { … }`, where `at` is the place of the group.
fn is_definition(tokens: &[TokenTree], at: usize) -> bool {
    at >= 3 && matches!(&tokens[at - 3], TokenTree::Ident(ident) if ident == "macro_rules")
}

/// `#[…]` and `#![…]`; comments that document are attributes too.
fn is_attribute(tokens: &[TokenTree], at: usize) -> bool {
    let is = |place: usize, c| matches!(tokens.get(place), Some(TokenTree::Punct(p)) if p.as_char() == c);
    at >= 1 && (is(at - 1, '#') || (at >= 2 && is(at - 1, '!') && is(at - 2, '#')))
}

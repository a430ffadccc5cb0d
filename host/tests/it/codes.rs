//! The published words of the host: its table is generated from source.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use unisono_host::HostErrorCode;

/// `UNISONO_BLESS=1` writes the file.
#[test]
fn the_table_of_the_hosts_words_is_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (file, table) = (root.join("../docs/host-codes.md"), table(root));
    if std::env::var_os("UNISONO_BLESS").is_some_and(|value| value == "1") {
        fs::write(&file, &table).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(found == table, "docs/host-codes.md is not what the source says; UNISONO_BLESS=1 writes it");
}

fn table(root: &Path) -> String {
    let mut out = String::from(
        "# Words and limits of the host\n\nGenerated from the source by `UNISONO_BLESS=1 cargo test -p unisono-host --test it \
         codes`; a test fails while this page is\nolder than the source. What the module itself says is in \
         [codes.md](codes.md). Words never change their meaning; later\nversions may add some.\n\n## Errors\n\n\
         | code | what it means | what to do |\n|---|---|---|\n",
    );
    for code in HostErrorCode::ALL {
        writeln!(out, "| `{code}` | {} | {} |", code.meaning(), code.remedy()).unwrap();
    }
    out.push_str("\n## Limits\n\n| limit | value | what it bounds |\n|---|---|---|\n");
    for [name, value, bounds] in limits(root) {
        writeln!(out, "| `{name}` | {value} | {bounds} |").unwrap();
    }
    out
}

/// The constants of the one file of limits, read as text so that none is forgotten: name, value as written, comment.
fn limits(root: &Path) -> Vec<[String; 3]> {
    let source = fs::read_to_string(root.join("src/limits.rs")).unwrap();
    let (mut out, mut comment) = (Vec::new(), String::new());
    for line in source.lines() {
        if let Some(text) = line.strip_prefix("/// ") {
            comment = if comment.is_empty() { text.to_owned() } else { format!("{comment} {text}") };
        } else if let Some((name, rest)) = line.strip_prefix("pub const ").and_then(|rest| rest.split_once(": ")) {
            let value = rest.split_once(" = ").unwrap().1.trim_end_matches(';');
            out.push([name.to_lowercase(), value.to_owned(), std::mem::take(&mut comment)]);
        } else {
            comment.clear();
        }
    }
    assert!(out.len() > 20, "the limits are constants of one file");
    out
}

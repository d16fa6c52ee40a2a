//! Tests of the structure of `src`: each module uses only those below it in the list of `lib.rs`, and no type name is
//! used twice.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// Returns the modules in the order of `lib.rs`, from top to bottom. Each must have a description.
fn rooms(map: &str) -> Vec<&str> {
    let listed = map.lines().filter_map(|line| line.split_once(". [`")?.1.split_once("`]: "));
    let rooms = listed.map(|(room, sentence)| {
        assert!(sentence.len() > 10 && sentence.ends_with('.'), "{room} has no sentence in lib.rs");
        room
    });
    rooms.collect()
}

/// Returns the modules that a text uses, by `crate::module` or `use crate::{module, other::Item}`, however wrapped.
fn used(text: &str) -> Vec<String> {
    let mut used = Vec::new();
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join(" ");
    let mut rest = code.as_str();
    while let Some((_, after)) = rest.split_once("crate::") {
        rest = after;
        let Some(group) = after.strip_prefix('{') else {
            used.push(first_word(after));
            continue;
        };
        let (mut depth, mut start) = (0, true);
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if start && !c.is_whitespace() => {
                    used.push(first_word(&group[at..]));
                    start = false;
                }
                _ => {}
            }
        }
    }
    used
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn each_module_uses_only_modules_below_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let map = fs::read_to_string(src.join("lib.rs")).unwrap();
    let order = rooms(&map);
    let declared: Vec<&str> = map.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert!(order.len() > 5 && declared.iter().all(|room| order.contains(room)), "{declared:?} and {order:?}");
    let mut files = Vec::new();
    sources(&src, &mut files);
    for file in files {
        let relative = file.strip_prefix(&src).unwrap();
        let room = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        let Some(rank) = order.iter().position(|name| *name == room) else {
            assert!(["lib", "main"].contains(&room), "{room} is not in lib.rs's list");
            continue;
        };
        for used in used(&fs::read_to_string(&file).unwrap()) {
            let above = order[..rank].contains(&used.as_str());
            assert!(!above, "{} uses {used}, which is above it", relative.display());
        }
    }
}

#[test]
fn uses_are_found_in_every_notation() {
    let text = "use crate::{\n    agent::{Loop, clocks},\n    file, world::World,\n};\nlet x = crate::plan::all();\n// crate::cli\n";
    assert_eq!(used(text), ["agent", "file", "world", "plan"]);
}

/// A name with two meanings has to be looked up each time it is read.
#[test]
fn type_names_are_unique_across_application_and_token_library() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    sources(&root.join("hw/src"), &mut files);
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        // Indented lines belong to a function, trait or test.
        for line in text.lines().filter(|line| !line.starts_with([' ', '/'])) {
            let mut words = line.split_whitespace().skip_while(|word| word.starts_with("pub"));
            let is_type = words.next().is_some_and(|word| ["struct", "enum", "trait", "type"].contains(&word));
            let name = words.next().map(first_word).filter(|_| is_type && line.contains(['{', ';', '(', '=']));
            if let Some(name) = name.filter(|name| name.starts_with(|c: char| c.is_uppercase())) {
                places.entry(name).or_default().push(file.strip_prefix(root).unwrap().display().to_string());
            }
        }
    }
    let twice: Vec<_> = places.iter().filter(|(_, files)| files.len() > 1).collect();
    assert!(places.len() > 200, "the types were not found");
    assert!(twice.is_empty(), "{twice:#?}");
}

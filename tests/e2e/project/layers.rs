//! The modules know only those below them, in the order that `lib.rs` tells.

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

#[test]
fn each_module_uses_only_what_is_below_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let map = fs::read_to_string(src.join("lib.rs")).unwrap();
    let order: Vec<&str> = map.lines().filter_map(|line| line.split_once(". [`")?.1.strip_suffix("`]")).collect();
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut seen = 0;
    for file in files {
        let relative = file.strip_prefix(&src).unwrap();
        let module = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        let Some(rank) = order.iter().position(|layer| *layer == module) else {
            assert!(["lib", "main"].contains(&module), "{module} has no place in lib.rs's order");
            continue;
        };
        let text = fs::read_to_string(&file).unwrap();
        for above in &order[..rank] {
            let uses = text.contains(&format!("crate::{above}::")) || text.contains(&format!("crate::{above};"));
            assert!(!uses, "{} uses {above}, which is above it", relative.display());
        }
        seen += 1;
    }
    assert!(order.len() > 5 && seen > order.len(), "the order was not found");
}

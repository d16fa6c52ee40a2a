//! An answer that is cut short is none: the SDK makes the best of half an answer, and half a session token is worth nothing.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Refuses an answer of success whose XML does not end where it should.
#[derive(Debug)]
pub(super) struct Whole;

#[dyn_dispatch_hint]
impl Intercept for Whole {
    fn name(&self) -> &'static str {
        "Whole"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let body = response.body().bytes().map(String::from_utf8_lossy);
        match body {
            Some(body) if response.status().is_success() && !is_whole(&body) => Err("the answer is cut short".into()),
            _ => Ok(()),
        }
    }
}

/// Whether the first element of a document is closed at its end.
fn is_whole(xml: &str) -> bool {
    let named = |part: &&str| part.starts_with(|c: char| c.is_ascii_alphabetic());
    let Some(root) = xml.split('<').find(named) else { return false };
    let name = root.split(|c: char| c.is_whitespace() || c == '>' || c == '/').next().unwrap_or_default();
    xml.trim_end().ends_with(&format!("</{name}>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_and_cut_answers() {
        for whole in ["<A><B/></A>\n", "<?xml version=\"1.0\"?>\n<A xmlns=\"x\">text</A>"] {
            assert!(is_whole(whole), "{whole}");
        }
        for cut in ["", "text", "<A>", "<A><B></B>", "<A><B>te", "<?xml version=\"1.0\"?>", "<A></A"] {
            assert!(!is_whole(cut), "{cut}");
        }
    }
}

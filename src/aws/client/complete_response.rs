//! An answer has an end: one that is cut short is none (the SDK makes the best of half an answer, and half a session token
//! is worth nothing), and one that does not end is not read for ever.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeDeserializationInterceptorContextMut,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use http_body_util::Limited;

/// Longest body that is read, in bytes; AWS's answers have some thousand.
const LONGEST: usize = 1 << 20;

/// Refuses an answer of success whose XML does not end where it should.
#[derive(Debug)]
pub(super) struct CompleteResponse;

#[dyn_dispatch_hint]
impl Intercept for CompleteResponse {
    fn name(&self) -> &'static str {
        "Whole"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response_mut().body_mut();
        let endless = std::mem::replace(body, SdkBody::taken());
        *body = SdkBody::from_body_1_x(Limited::new(endless, LONGEST));
        Ok(())
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
        for complete_response in ["<A><B/></A>\n", "<?xml version=\"1.0\"?>\n<A xmlns=\"x\">text</A>"] {
            assert!(is_whole(complete_response), "{complete_response}");
        }
        for cut in ["", "text", "<A>", "<A><B></B>", "<A><B>te", "<?xml version=\"1.0\"?>", "<A></A"] {
            assert!(!is_whole(cut), "{cut}");
        }
    }
}

//! The page a person sees first, and the API reference: files in the binary, served as they are.
//!
//! They need no build step, load nothing from elsewhere and contain no inline script or style, so the
//! content security policy allows none. What they show they ask of the API like any other client; serving
//! them needs no token and tells nothing.

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::routing::get;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// Path, type and text of each file.
const FILES: [(&str, &str, &str); 11] = [
    ("/", HTML, include_str!("page/index.html")),
    ("/docs", HTML, include_str!("page/docs.html")),
    ("/assets/app.js", SCRIPT, include_str!("page/app.js")),
    ("/assets/ask.js", SCRIPT, include_str!("page/ask.js")),
    ("/assets/audiences.js", SCRIPT, include_str!("page/audiences.js")),
    ("/assets/recent.js", SCRIPT, include_str!("page/recent.js")),
    ("/assets/why.js", SCRIPT, include_str!("page/why.js")),
    ("/assets/docs.js", SCRIPT, include_str!("page/docs.js")),
    ("/assets/dom.js", SCRIPT, include_str!("page/dom.js")),
    ("/assets/words.js", SCRIPT, include_str!("page/words.js")),
    ("/assets/style.css", STYLE, include_str!("page/style.css")),
];

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What every file is sent with. `no-cache` lets browsers keep a file but ask each time, so that page and
/// API are of one version after an upgrade.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
];

/// The page at `/`, the API reference at `/docs`, and what they load from `/assets/`.
pub fn router() -> Router {
    FILES.into_iter().fold(Router::new(), |router, (path, content_type, text)| {
        router.route(path, get(move || async move { ([(CONTENT_TYPE, content_type)], HEADERS, text) }))
    })
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn every_file_is_served_with_its_type_and_the_policy() {
        for (path, content_type, text) in FILES {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let answer = router().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
            let headers = answer.headers().clone();
            assert_eq!(headers.get_all(CONTENT_TYPE).iter().collect::<Vec<_>>(), [content_type], "{path}");
            for (name, value) in HEADERS {
                assert_eq!(headers.get(&name), Some(&value), "{path} {name}");
            }
            let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
            assert_eq!(body, text.as_bytes(), "{path}");
        }
        let request = Request::get("/assets/other.js").body(Body::empty()).unwrap();
        assert_eq!(router().oneshot(request).await.unwrap().status(), 404);
    }

    #[test]
    fn the_files_keep_to_the_policy_and_load_only_each_other() {
        let is_served = |path: &str| FILES.iter().any(|(known, ..)| *known == path);
        for (path, content_type, text) in FILES {
            for banned in
                ["innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "style=", "@import", " url("]
            {
                assert!(!text.contains(banned), "{path} contains {banned}");
            }
            if content_type == HTML {
                assert!(
                    !text.contains("<style") && !text.contains(" onclick="),
                    "{path} has something inline"
                );
                assert_eq!(
                    text.matches("<script").count(),
                    text.matches("<script type=\"module\" src=").count()
                );
            }
            // Addresses in quotes: of files, and what scripts import.
            let quoted = text.split(['"', '\'']);
            for target in quoted.filter(|t| t.starts_with("/assets/") || t.starts_with("./")) {
                let target = target.replacen("./", "/assets/", 1);
                assert!(is_served(&target), "{path} loads {target}, which is not served");
            }
            let foreign = text
                .match_indices("://")
                .filter(|(at, _)| !text[*at..].starts_with("://www.w3.org/2000/svg"));
            assert_eq!(foreign.count(), 0, "{path} names another host");
        }
    }
}

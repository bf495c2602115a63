//! The files of the user interface.

use std::path::{Component, Path, PathBuf};

use axum::{
    extract::State,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};

use super::Shared;

/// Answers a file of the built interface; its first page for the bare address.
pub(super) async fn file(State(shared): State<Shared>, uri: Uri) -> Response {
    let Some(path) = inside(&shared.ui, uri.path()) else { return StatusCode::NOT_FOUND.into_response() };
    match tokio::fs::read(&path).await {
        Ok(bytes) => ([(header::CONTENT_TYPE, kind_of(&path))], bytes).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The file that an address names, never outside the folder.
fn inside(ui: &Path, address: &str) -> Option<PathBuf> {
    let relative = address.trim_start_matches('/');
    let relative = Path::new(if relative.is_empty() { "index.html" } else { relative });
    relative.components().all(|part| matches!(part, Component::Normal(_))).then(|| ui.join(relative))
}

fn kind_of(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_leads_outside_the_folder() {
        let ui = Path::new("ui");
        assert_eq!(inside(ui, "/"), Some(PathBuf::from("ui/index.html")));
        assert_eq!(inside(ui, "/assets/a.js"), Some(PathBuf::from("ui/assets/a.js")));
        assert_eq!(inside(ui, "/../secret"), None);
        assert_eq!(inside(ui, "/a/../../secret"), None);
        assert_eq!(inside(ui, "//etc/passwd"), Some(PathBuf::from("ui/etc/passwd")));
    }
}

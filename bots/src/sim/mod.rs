//! Platforms as a bot sees them, played by us: for tests, demonstrations and trying a bot without an account.

pub mod meet;
pub mod zoom;

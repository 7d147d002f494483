//! What goes on between calls: drafts after a call and at night, decisions of people, and the writes that follow them.
//!
//! [`Office`] is the stages over the store and the team's systems; [`Clerk`] is the thread that runs them in the server;
//! [`Desk`] is the review page's and the terminal's side.

mod before;
mod clerk;
mod deal;
mod debrief;
mod desk;
mod drafting;
mod executor;
mod nightly;
mod office;
mod post_call;
mod settings;
mod systems;
mod unchanged;

pub use self::{
    clerk::Clerk,
    desk::Desk,
    executor::Executor,
    office::{Office, batch_of},
    settings::WorkflowSettings,
    systems::SERVICE,
};

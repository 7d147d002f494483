//! The pages of accounts, funnel, morning and briefs: what became of each account over the six stages, and what to know before
//! the next meeting. They only show; merge their
//! router with the review page's, whose token opens both. What they show comes from an [`AccountsDesk`]; docs/FUNNEL.md has
//! the documents.

pub mod briefs;
mod files;
pub mod journey;
mod routes;

use reframe_call::date::Date;
use reframe_funnel::{
    funnel::By,
    page::{AccountPage, AccountsPage, FunnelPage, HuddlePage},
    stage::Point,
};

pub use self::routes::{accounts_router, journey_link};
use self::{
    briefs::{BriefPage, BriefsPage},
    journey::JourneyPage,
};
use crate::review::DeskError;

/// What is asked of the funnel beside the five steps from stage to stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FunnelAsked {
    /// From one point to another.
    pub between: Option<(Point, Point)>,
    /// How cohorts are cut.
    pub by: By,
}

/// The port behind the pages. Nothing in it changes anything.
pub trait AccountsDesk: Send + Sync {
    /// All accounts.
    ///
    /// # Errors
    /// [`DeskError::Down`].
    fn accounts(&self) -> Result<AccountsPage, DeskError>;

    /// One account: by its id or name, or by the id of a record, call, hand-off or proposal of it.
    ///
    /// # Errors
    /// [`DeskError::Unknown`], [`DeskError::Down`].
    fn account(&self, id: &str) -> Result<AccountPage, DeskError>;

    /// One walk of an account with what each stage made, cites and left; without a number, the latest. The account as for
    /// [`account`](Self::account).
    ///
    /// # Errors
    /// [`DeskError::Unknown`], [`DeskError::Down`].
    fn journey(&self, id: &str, walk: Option<u32>) -> Result<JourneyPage, DeskError>;

    /// What is lost from stage to stage.
    ///
    /// # Errors
    /// [`DeskError::Down`].
    fn funnel(&self, asked: &FunnelAsked) -> Result<FunnelPage, DeskError>;

    /// The morning of a day; without one, today's.
    ///
    /// # Errors
    /// [`DeskError::Down`].
    fn huddle(&self, day: Option<Date>) -> Result<HuddlePage, DeskError>;

    /// The meetings ahead.
    ///
    /// # Errors
    /// [`DeskError::Down`].
    fn briefs(&self) -> Result<BriefsPage, DeskError>;

    /// A meeting by its id in the calendar, with its brief: the one that is kept, else one made now.
    ///
    /// # Errors
    /// [`DeskError::Unknown`], [`DeskError::Down`].
    fn brief(&self, id: &str) -> Result<BriefPage, DeskError>;
}

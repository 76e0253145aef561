namespace PgMigration;

/// <summary>How a cutover ended; there are two safe ends.</summary>
public enum CutoverOutcome
{
    /// <summary>Neither end has been reached: Resume-Cutover or Undo-Cutover goes on.</summary>
    Unfinished,

    /// <summary>The app runs on the target.</summary>
    CutOver,

    /// <summary>The app runs on the source as before.</summary>
    BackOnSource,
}

namespace PgMigration;

/// <summary>What one line of a journal says.</summary>
public enum CutoverEvent
{
    /// <summary>A cutover was planned; the line names the steps.</summary>
    Planned,

    /// <summary>Something was learnt that an undo needs; written before the change that it describes.</summary>
    Learnt,

    /// <summary>A step is about to be done.</summary>
    Begun,

    /// <summary>A step is done and proven.</summary>
    Done,

    /// <summary>A step failed.</summary>
    Failed,

    /// <summary>The source restarted, failed over or was away: everything behind the pause is asked and proven anew.</summary>
    Repeated,

    /// <summary>The cutover stopped where it was told to (<c>-Until</c>); a resume goes on, an undo goes back.</summary>
    Stopped,

    /// <summary>A step is about to be taken back.</summary>
    UndoBegun,

    /// <summary>A step was taken back.</summary>
    Undone,

    /// <summary>Taking a step back failed.</summary>
    UndoFailed,

    /// <summary>The cutover has ended: the app runs on the target.</summary>
    CutOver,

    /// <summary>The cutover has ended: the app runs on the source as before.</summary>
    BackOnSource,
}

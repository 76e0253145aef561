namespace PgMigration;

/// <summary>One step of a cutover: it knows how to do, how to prove that it is done, and how to undo. The journal is written around it.</summary>
/// <remarks>Doing a step again after it was done, or after it was begun and something died, is safe.</remarks>
public interface ICutoverStep
{
    /// <summary>The step's name in plan and journal, such as <c>FenceSource</c>.</summary>
    string Name { get; }

    /// <summary>What it does, in words, as -WhatIf prints it.</summary>
    string Effect { get; }

    /// <summary>What its undo does, as -WhatIf prints it.</summary>
    string UndoEffect { get; }

    /// <summary>Whether it is one of the two marks of a plan.</summary>
    CutoverMark Mark => CutoverMark.None;

    /// <summary>How long it takes by its nature, on top of what any step may take.</summary>
    TimeSpan Takes(CutoverOptions options) => TimeSpan.Zero;

    /// <summary>Does it. Returns the proof: one line with what was seen, for the journal.</summary>
    Task<string> DoAsync(CutoverContext context, CancellationToken cancel);

    /// <summary>Whether it is done, asked of the servers and not of the journal; a resumed cutover skips it then.</summary>
    Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel);

    /// <summary>Takes it back.</summary>
    Task UndoAsync(CutoverContext context, CancellationToken cancel);
}

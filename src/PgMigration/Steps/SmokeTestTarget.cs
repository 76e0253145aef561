namespace PgMigration;

/// <summary>Runs the app's own smoke test on the promoted target. Part of the plan only when the app has one.</summary>
/// <remarks>
/// The target is still fenced: the test's session, with the app's login, may read everything and write nothing. To try a write it takes a
/// superuser's session and rolls back: <c>begin read write; …; rollback</c>. What it committed there would stay.
/// </remarks>
public sealed class SmokeTestTarget : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(SmokeTestTarget);

    /// <inheritdoc/>
    public string Effect => "run the app's smoke test on the promoted target, which it may read and not write";

    /// <inheritdoc/>
    public string UndoEffect => "nothing to undo";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        if (context.App.SmokeTest is not { } test)
        {
            return "the app has none";
        }

        await test.RunAsync(context.AppTarget, cancel);
        return $"passed on {context.AppTarget.Host}:{context.AppTarget.Port}";
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}

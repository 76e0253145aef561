using System.Globalization;

namespace PgMigration;

/// <summary>Makes the app wait. From here to its resumption the app sees latency.</summary>
public sealed class PauseApp : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(PauseApp);

    /// <inheritdoc/>
    public string Effect => "pause the app: its transactions end, new ones wait";

    /// <inheritdoc/>
    public string UndoEffect => "let the app go on, at the source";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(context.Options.PauseTimeout);
        try
        {
            if (context.Facts.App is null)
            {
                context.Learn(context.Facts with { App = new AppMemory(context.App.Kind, await context.App.RememberAsync(deadline.Token)) });
            }

            await context.App.PauseAsync(deadline.Token);
            context.TellRemarks();
            return $"{context.App.Kind} paused, none of its transactions open";
        }
        catch (OperationCanceledException error) when (!cancel.IsCancellationRequested)
        {
            throw new MigrationException("PauseTimedOut", MigrationErrorKind.Timeout, string.Create(CultureInfo.InvariantCulture,
                $"The app's transactions did not end within {context.Options.PauseTimeout.TotalSeconds:0.#} s. End the long ones (or, with a session-mode pool, the clients), or raise -PauseTimeout."), error);
        }
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public async Task UndoAsync(CutoverContext context, CancellationToken cancel)
    {
        await context.App.ResumeAsync(cancel);
        context.TellRemarks();
    }
}

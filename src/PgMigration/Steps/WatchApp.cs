using System.Globalization;

namespace PgMigration;

/// <summary>Watches gates such as an error rate while the app runs on the target; one that closes stops the app again.</summary>
public sealed class WatchApp : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(WatchApp);

    /// <inheritdoc/>
    public string Effect => "watch the app's gates for a while; one that closes pauses the app again";

    /// <inheritdoc/>
    public string UndoEffect => "nothing to undo";

    /// <inheritdoc/>
    public TimeSpan Takes(CutoverOptions options) => options.WatchFor;

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        var options = context.Options;
        var end = options.Clock.GetUtcNow() + options.WatchFor;
        int looks = 0;
        using var wish = CancellationTokenSource.CreateLinkedTokenSource(cancel, context.Wish);
        try
        {
            for (; ; looks++)
            {
                foreach (var gate in options.WatchGates)
                {
                    var result = await gate.TestAsync(wish.Token);
                    if (!result.Passed)
                    {
                        await context.App.PauseAsync(cancel);
                        throw new MigrationException("WatchFailed", MigrationErrorKind.InvalidOperation, $"Gate '{result.Name}' said no while the app was watched: {result.Reason}");
                    }
                }

                var left = end - options.Clock.GetUtcNow();
                if (left <= TimeSpan.Zero)
                {
                    return string.Create(CultureInfo.InvariantCulture, $"{options.WatchGates.Count} gates passed {looks + 1} times in {options.WatchFor.TotalSeconds:0} s");
                }

                context.Observer.Progress(new MigrationProgress("Cutover", $"the app is up; watching for {LagText.Of(left)}"));
                await Task.Delay(left < options.WatchInterval ? left : options.WatchInterval, wish.Token);
            }
        }
        catch (OperationCanceledException) when (context.Wish.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            context.Observer.Warning("The watch was ended before its time; the app stays on the target.");
            return string.Create(CultureInfo.InvariantCulture, $"ended by hand after {looks} looks");
        }
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}

using System.Diagnostics;
using System.Globalization;

namespace PgMigration;

/// <summary>Asks again, just before the app is paused, what may have changed since the first step.</summary>
public sealed class ConfirmGates : ICutoverStep
{
    private static readonly TimeSpan WorthRefilling = TimeSpan.FromMilliseconds(300);

    /// <inheritdoc/>
    public string Name => nameof(ConfirmGates);

    /// <inheritdoc/>
    public string Effect => "ask again whether the lag is small and does not grow, nothing is prepared, no transaction is old, the pause that is expected is short enough, and every gate passes";

    /// <inheritdoc/>
    public string UndoEffect => "nothing to undo";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        string seen = await Preconditions.CheckAsync(context, cancel);
        CheckGates.Heed(await Task.WhenAll(context.Options.Gates.Select(gate => Task.Run(() => gate.TestOnceAsync(cancel), cancel)))); // what has held many looks in a row is looked at once
        await CompileAhead.SettleAsync(cancel);
        if (clock.Elapsed > WorthRefilling)
        {
            // A busy source has run on meanwhile: what is filled now need not be filled while the app waits.
            await FillSegment.FillAsync(context, cancel);
        }

        if (context.Way is not { } way)
        {
            return seen;
        }

        var pause = await way.ExpectPauseAsync(context, cancel);
        return string.Create(CultureInfo.InvariantCulture, $"{seen}, a pause of about {pause.TotalSeconds:0.0} s is expected");
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}

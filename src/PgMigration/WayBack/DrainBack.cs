using System.Security.Cryptography;

namespace PgMigration;

/// <summary>Waits until the old server has everything: transactions are applied in the order of their commits, so the nonce comes last.</summary>
public sealed class DrainBack : ICutoverStep
{
    /// <inheritdoc/>
    public string Name => nameof(DrainBack);

    /// <inheritdoc/>
    public string Effect => "write a nonce on the new server and wait until the old one has it: all commits before it are there too; look whether anything was written that it does not get";

    /// <inheritdoc/>
    public string UndoEffect => "nothing to undo";

    /// <inheritdoc/>
    public async Task<string> DoAsync(CutoverContext context, CancellationToken cancel)
    {
        string nonce = RandomNumberGenerator.GetHexString(32, lowercase: true);
        await MarkTable.WriteAsync(await context.TargetSessionAsync(cancel), context.Facts.Id, nonce, cancel);
        while (await MarkTable.ReadAsync(await context.SourceSessionAsync(cancel), context.Facts.Id, cancel) != nonce)
        {
            await Task.Delay(5, cancel); // what applies it tells nobody
        }

        // Asked before the pause, too; but the app went on writing until the fence, and what its sessions counted was known when they ended.
        await CheckWayBack.ProveNothingLostAsync(context, cancel);
        return "the nonce of the new server is on the old one, nothing written to what it does not carry";
    }

    /// <inheritdoc/>
    public Task<bool> IsDoneAsync(CutoverContext context, CancellationToken cancel) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task UndoAsync(CutoverContext context, CancellationToken cancel) => Task.CompletedTask;
}

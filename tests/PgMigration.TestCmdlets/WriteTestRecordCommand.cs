using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Writes to every stream from several threads, or in a strict order from one that is not the pipeline's.</summary>
[Cmdlet(VerbsCommunications.Write, "TestRecord")]
public sealed class WriteTestRecordCommand : MigrationCmdlet
{
    [Parameter(Position = 0)]
    public int Count { get; set; } = 1;

    [Parameter]
    public int Threads { get; set; } = 1;

    [Parameter(ValueFromPipeline = true)]
    public object? InputObject { get; set; }

    protected override Task BeginAsync(CancellationToken cancel)
    {
        WriteVerboseLine("begin");
        return Task.CompletedTask;
    }

    protected override Task ProcessAsync(CancellationToken cancel) =>
        Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Run(() =>
        {
            for (int i = 0; i < Count; i++)
            {
                Write((thread * Count) + i);
            }
        }, cancel)));

    protected override Task EndAsync(CancellationToken cancel)
    {
        WriteWarningLine("end");
        return Task.CompletedTask;
    }
}

using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Starts a DMS of one's own on this machine, for rehearsals: it speaks AWS DMS's protocol and really moves data between PostgreSQL servers.</summary>
/// <remarks>
/// It has DMS's habits on purpose: no sequences, defaults, secondary indexes or foreign keys, large values cut, changed primary keys
/// ignored. It listens on 127.0.0.1 only and knows one key, which it makes itself. The process goes on when this session ends, until
/// Stop-LocalDms; run again with the same -Path, the cmdlet returns the one that runs, or starts the one that was stopped or killed,
/// which then goes on with its tasks. Its folder holds secrets and is readable by its user only.
/// </remarks>
/// <example>
/// <code>$dms = Start-LocalDms</code>
/// <para>Starts it, or finds the one that runs.</para>
/// </example>
/// <example>
/// <code>Start-LocalDms -Path /data/dms -Region eu-central-1</code>
/// <para>One with a folder of its own. After a reboot the same line goes on with its tasks.</para>
/// </example>
/// <example>
/// <code>Start-LocalDms -WhatIf</code>
/// <para>Says where it would be started.</para>
/// </example>
[Cmdlet(VerbsLifecycle.Start, "LocalDms", SupportsShouldProcess = true)]
[OutputType(typeof(LocalDmsServer))]
public sealed class StartLocalDmsCommand : MigrationCmdlet
{
    /// <summary>The folder that holds its state; by default one in the user's local application data.</summary>
    [Parameter(Position = 0)]
    public string? Path { get; set; }

    /// <summary>The port on 127.0.0.1; by default the one that it had, or a free one.</summary>
    [Parameter]
    [ValidateRange(1, 65535)]
    public int Port { get; set; }

    /// <summary>The region that requests must be signed for; us-east-1 by default.</summary>
    [Parameter]
    [ValidatePattern("^[a-z0-9-]+$")]
    public string? Region { get; set; }

    /// <summary>Faults for tests of clients, such as DescribeTableStatistics=ThrottlingException*3 for the first three such requests.</summary>
    [Parameter]
    public string[]? Fault { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        string folder = Path is null ? LocalDmsServer.DefaultFolder : ResolvePath(Path);
        if (await ShouldAsync(folder, "Start a local DMS"))
        {
            Write(await LocalDmsServer.StartAsync(new LocalDmsOptions
            {
                Folder = folder,
                Port = Port == 0 ? null : Port,
                Region = Region,
                Faults = Fault ?? [],
            }, cancel));
        }
    }
}

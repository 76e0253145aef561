using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Stops a local DMS. Its tasks keep their state, and go on when it is started again.</summary>
/// <remarks>
/// As long as a task is stopped its replication slot holds the source's log, and fills the source's disk in the end: -Remove deletes the
/// tasks, their slots and publications first, and the folder afterwards.
/// </remarks>
/// <example>
/// <code>$dms | Stop-LocalDms -Remove</code>
/// <para>At the end of a rehearsal: nothing of it stays on the source.</para>
/// </example>
/// <example>
/// <code>Stop-LocalDms</code>
/// <para>Stops the one that was started without naming a folder.</para>
/// </example>
/// <example>
/// <code>Stop-LocalDms -Path /data/dms -WhatIf</code>
/// <para>Says what would be stopped.</para>
/// </example>
[Cmdlet(VerbsLifecycle.Stop, "LocalDms", DefaultParameterSetName = Named, SupportsShouldProcess = true)]
public sealed class StopLocalDmsCommand : MigrationCmdlet
{
    private const string Named = nameof(Named);
    private const string Piped = nameof(Piped);

    /// <summary>The folder that Start-LocalDms was given; by default the one in the user's local application data.</summary>
    [Parameter(Position = 0, ParameterSetName = Named)]
    public string? Path { get; set; }

    /// <summary>What is piped: the local DMS that Start-LocalDms returned, also from a job or a file.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = Piped)]
    public PSObject? InputObject { get; set; }

    /// <summary>Stop and delete its tasks first, with their slots and publications on the source, and remove its folder afterwards.</summary>
    [Parameter]
    public SwitchParameter Remove { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        string folder = InputObject is not null ? FolderOf(InputObject) : Path is null ? LocalDmsServer.DefaultFolder : ResolvePath(Path);
        if (await ShouldAsync(folder, Remove ? "Delete the local DMS's tasks, stop it and remove its folder" : "Stop the local DMS"))
        {
            await LocalDmsServer.StopAsync(folder, Remove, cancel);
        }
    }

    private static string FolderOf(PSObject input)
    {
        var piped = new PipedObject(input);
        return piped.Live is LocalDmsServer || piped.IsBagOf<LocalDmsServer>(nameof(LocalDmsServer.Folder), nameof(LocalDmsServer.Endpoint), nameof(LocalDmsServer.ProcessId))
            ? piped.Text(nameof(LocalDmsServer.Folder)) ?? throw piped.Lacking(nameof(LocalDmsServer.Folder))
            : throw piped.Refused("a local DMS, as Start-LocalDms returns it");
    }
}

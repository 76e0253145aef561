using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Describes how the application is paused, pointed elsewhere and let go on, for Invoke-Cutover.</summary>
/// <remarks>
/// Nothing is contacted or changed yet. With PgBouncer the app's clients see latency and no error. Script blocks run in a session of their
/// own, which does not see the caller's variables and functions: what they need is passed with -ArgumentList.
/// </remarks>
/// <example>
/// <code>$app = New-MigrationApp -PgBouncer postgres://admin@127.0.0.1:6432/pgbouncer -Database shop -ConfigFile /etc/pgbouncer/pgbouncer.ini</code>
/// <para>An app behind PgBouncer, under the entry "shop" of its [databases].</para>
/// </example>
/// <example>
/// <code>$app = New-MigrationApp -Pause { systemctl stop shop } -Repoint { param($server) [IO.File]::WriteAllText('/etc/shop/database', $server.Host) } -Resume { systemctl start shop }</code>
/// <para>An app that is stopped and started by systemd; its configuration holds the host.</para>
/// </example>
/// <example>
/// <code>$app = New-MigrationApp -Pause { param($unit) systemctl stop $unit } -Repoint { param($server, $unit) [IO.File]::WriteAllText("/etc/$unit/database", $server.Host) } -Resume { param($unit) systemctl start $unit } -ArgumentList shop</code>
/// <para>The same, with the unit's name passed to each block.</para>
/// </example>
[Cmdlet(VerbsCommon.New, "MigrationApp", DefaultParameterSetName = "PgBouncer")]
[OutputType(typeof(MigrationApp))]
public sealed class NewMigrationAppCommand : MigrationCmdlet
{
    /// <summary>PgBouncer's admin console: an admin user on its address, such as postgres://admin@127.0.0.1:6432/pgbouncer.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "PgBouncer")]
    [PgServerTransformation]
    public PgServer? PgBouncer { get; set; }

    /// <summary>The entry of [databases] that the app connects to.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "PgBouncer")]
    public string? Database { get; set; }

    /// <summary>The file with that entry, on this machine: pgbouncer.ini or a file that it includes. It is rewritten when the app is repointed.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "PgBouncer")]
    public string? ConfigFile { get; set; }

    /// <summary>Stops the app; returns once none of its transactions is open.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "ScriptBlock")]
    public ScriptBlock? Pause { get; set; }

    /// <summary>Points the stopped app at the server that is its first argument, a PgServer.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "ScriptBlock")]
    public ScriptBlock? Repoint { get; set; }

    /// <summary>Lets the app go on. Also runs when a cutover is undone, even after Ctrl-C.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "ScriptBlock")]
    public ScriptBlock? Resume { get; set; }

    /// <summary>Arguments for the script blocks (behind the server, for -Repoint).</summary>
    [Parameter(ParameterSetName = "ScriptBlock")]
    public object[] ArgumentList { get; set; } = [];

    /// <inheritdoc/>
    protected override Task ProcessAsync(CancellationToken cancel)
    {
        Write(ParameterSetName == "PgBouncer"
            ? new PgBouncerApp(PgBouncer!, Database!, ResolvePath(ConfigFile!))
            : new ScriptBlockApp(Pause!, Repoint!, Resume!, ArgumentList));
        return Task.CompletedTask;
    }
}

using System.Management.Automation;
using System.Net;
using System.Security;

namespace PgMigration.Cmdlets;

/// <summary>Describes how the application is paused, pointed elsewhere and let go on, for Invoke-Cutover.</summary>
/// <remarks>
/// Nothing is contacted or changed yet. With PgBouncer the app's clients see latency and no error; before the pause the cutover adds an entry to its
/// file for a moment and logs in by it, to prove that the pooler reaches the target. Processes that share a port are named by their sockets. On Heroku they see the maintenance page
/// while dynos stop and start; the config vars are pointed at the new server, also where an add-on owns them, and what they were stays in
/// the config var PGMIGRATION_PARKED of the app, for a way back: remove it when that is not wanted any more. Scheduled jobs may start dynos at any time: switch them off before.
/// Script blocks, a smoke test's too, run in a session of their own, which does not see the caller's variables and functions: what they
/// need is passed with -ArgumentList.
/// </remarks>
/// <example>
/// <code>$app = New-MigrationApp -PgBouncer postgres://admin@127.0.0.1:6432/pgbouncer -Database shop -ConfigFile /etc/pgbouncer/pgbouncer.ini</code>
/// <para>An app behind PgBouncer, under the entry "shop" of its [databases].</para>
/// </example>
/// <example>
/// <code>$app = New-MigrationApp -PgBouncer postgres://admin@10.0.0.5:6432/pgbouncer, postgres://admin@10.0.0.6:6432/pgbouncer -Database shop -ConfigFile /mnt/a/pgbouncer.ini, /mnt/b/pgbouncer.ini</code>
/// <para>Two poolers, each with a file of its own: all are paused before anything is fenced.</para>
/// </example>
/// <example>
/// <code>$app = New-MigrationApp -PgBouncer 'host=/run/pgbouncer1 port=6432 user=admin dbname=pgbouncer', 'host=/run/pgbouncer2 port=6432 user=admin dbname=pgbouncer' -Database shop -ConfigFile /etc/pgbouncer/1.ini, /etc/pgbouncer/2.ini</code>
/// <para>Two processes at one port (so_reuseport), each by its own socket.</para>
/// </example>
/// <example>
/// <code>$app = New-MigrationApp -PgBouncer postgres://admin@127.0.0.1:6432/pgbouncer -Database shop, shop_reports -ConfigFile /etc/pgbouncer/pgbouncer.ini</code>
/// <para>One pooler with two entries that lead to the same database: both are paused and pointed elsewhere.</para>
/// </example>
/// <example>
/// <code>$app = New-MigrationApp -Heroku shop -ConfigVar DATABASE_URL, REPORTS_URL -SmokeTest { param($server) $session = $server.ConnectAsync().GetAwaiter().GetResult(); $session.Dispose() }</code>
/// <para>An app on Heroku, with the token in the environment variable HEROKU_API_KEY, and a test of the new server before it is let in.</para>
/// </example>
/// <example>
/// <code>$app = New-MigrationApp -Pause { param($unit) systemctl stop $unit } -Repoint { param($server, $unit) [IO.File]::WriteAllText("/etc/$unit/database", $server.Host) } -Resume { param($unit) systemctl start $unit } -ArgumentList shop</code>
/// <para>An app that is stopped and started by systemd; its configuration holds the host. The unit's name is passed to each block.</para>
/// </example>
/// <example>
/// <code>$app = New-MigrationApp -Group $web, $jobs</code>
/// <para>Several apps that use the same database, as one.</para>
/// </example>
[Cmdlet(VerbsCommon.New, "MigrationApp", DefaultParameterSetName = "PgBouncer")]
[OutputType(typeof(MigrationApp))]
public sealed class NewMigrationAppCommand : MigrationCmdlet
{
    /// <summary>PgBouncer's admin console: an admin user on its address, such as postgres://admin@127.0.0.1:6432/pgbouncer. Several for several poolers.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "PgBouncer")]
    [PgServerTransformation]
    public PgServer[] PgBouncer { get; set; } = [];

    /// <summary>The entry of [databases] that the app connects to; one for all poolers, or one each. Of one pooler several: all that lead to the database.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "PgBouncer")]
    public string[] Database { get; set; } = [];

    /// <summary>The file with that entry, on this machine: pgbouncer.ini or a file that it includes; one for all poolers, or one each. It is rewritten when the app is repointed.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "PgBouncer")]
    public string[] ConfigFile { get; set; } = [];

    /// <summary>
    /// How long clients may keep their connections after PAUSE before they are disconnected, with an error. Bare numbers are seconds; by
    /// default none is, and the pause fails at -PauseTimeout instead. A pool by session needs it: there clients keep theirs for ever.
    /// </summary>
    [Parameter(ParameterSetName = "PgBouncer")]
    [DurationTransformation]
    public TimeSpan? DisconnectAfter { get; set; }

    /// <summary>The app's name on Heroku.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Heroku")]
    public string? Heroku { get; set; }

    /// <summary>A token that may deploy and operate the app; by default the environment variable HEROKU_API_KEY.</summary>
    [Parameter(ParameterSetName = "Heroku")]
    public SecureString? Token { get; set; }

    /// <summary>The config vars that lead to the database; DATABASE_URL by default. Those of Heroku's connection pooling must be named too, if the app has some.</summary>
    [Parameter(ParameterSetName = "Heroku")]
    [ValidateNotNullOrEmpty]
    public string[] ConfigVar { get; set; } = ["DATABASE_URL"];

    /// <summary>The process types that use the database, such as web and worker; by default all are stopped. One-off dynos are always waited for.</summary>
    [Parameter(ParameterSetName = "Heroku")]
    [ValidateNotNullOrEmpty]
    public string[] ProcessType { get; set; } = [];

    /// <summary>Another address of the Platform API, for tests.</summary>
    [Parameter(ParameterSetName = "Heroku")]
    public Uri? ApiUrl { get; set; }

    /// <summary>Apps to treat as one; they are paused all before anything is fenced. Those of poolers may have come over remoting.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Group")]
    [MigrationAppTransformation(Several = true)]
    [ValidateCount(1, 100)]
    public MigrationApp[] Group { get; set; } = [];

    /// <summary>Stops the app; returns once none of its transactions is open.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "ScriptBlock")]
    public ScriptBlock? Pause { get; set; }

    /// <summary>Points the stopped app at the server that is its first argument, a PgServer.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "ScriptBlock")]
    public ScriptBlock? Repoint { get; set; }

    /// <summary>Lets the app go on. Also runs when a cutover is undone, even after Ctrl-C.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "ScriptBlock")]
    public ScriptBlock? Resume { get; set; }

    /// <summary>
    /// A test of your own, run on the promoted server before the app is let in; its first argument is that server, a PgServer with the app's
    /// login. A throw, a program that fails or a $false is a failure, and everything is undone. The server is still fenced: a session may
    /// read and not write. To try a write take a superuser's server from -ArgumentList, and: begin read write; … rollback.
    /// </summary>
    [Parameter]
    public ScriptBlock? SmokeTest { get; set; }

    /// <summary>How long the smoke test may take, while the app is paused. Bare numbers are seconds; 15 by default.</summary>
    [Parameter]
    [DurationTransformation]
    public TimeSpan SmokeTestTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Arguments for the script blocks (behind the server, for -Repoint and -SmokeTest).</summary>
    [Parameter]
    public object[] ArgumentList { get; set; } = [];

    /// <inheritdoc/>
    protected override Task ProcessAsync(CancellationToken cancel)
    {
        var test = SmokeTest is null ? null : new ScriptBlockSmokeTest(SmokeTest, ArgumentList) { Timeout = SmokeTestTimeout };
        test?.Check();
        Write(ParameterSetName switch
        {
            "Heroku" => new HerokuApp(Heroku!, Token is null ? Environment.GetEnvironmentVariable("HEROKU_API_KEY") : new NetworkCredential(string.Empty, Token).Password, ApiUrl, ConfigVar, ProcessType) { SmokeTest = test },
            "Group" => new AppGroup(Group) { SmokeTest = test },
            "PgBouncer" when Poolers > 1 => new AppGroup([.. Enumerable.Range(0, Poolers).Select(index => Pooler(index, null))]) { SmokeTest = test },
            "PgBouncer" => Pooler(0, test),
            _ => new ScriptBlockApp(Pause!, Repoint!, Resume!, ArgumentList) { SmokeTest = test },
        });
        return Task.CompletedTask;
    }

    private PgBouncerApp Pooler(int index, AppSmokeTest? test) =>
        new(PgBouncer.Length == 1 ? PgBouncer[0] : PgBouncer[index], Of(Database, index, "-Database"), ResolvePath(Of(ConfigFile, index, "-ConfigFile"))) { DisconnectAfter = DisconnectAfter, SmokeTest = test };

    private int Poolers => PgBouncer.Length == 1 ? Database.Length : PgBouncer.Length;

    private string Of(string[] values, int index, string parameter) => values.Length == 1 ? values[0] : values.Length == Poolers ? values[index]
        : throw new MigrationException("PoolersDoNotMatch", MigrationErrorKind.InvalidArgument, string.Create(System.Globalization.CultureInfo.InvariantCulture,
            $"{parameter} has {values.Length} values for {PgBouncer.Length} poolers. Give one for all, or one each in the same order."));
}

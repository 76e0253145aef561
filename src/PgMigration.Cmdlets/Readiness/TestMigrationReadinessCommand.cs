using System.Management.Automation;

namespace PgMigration.Cmdlets;

/// <summary>Tells before a migration what would be lost, cut or refused: each finding names the object, what comes of it, and what to do.</summary>
/// <remarks>
/// <para>For Dms it looks at keys and replica identity, at large columns and their largest values, at types and features that DMS mishandles, at the source's
/// settings, slots, open and prepared transactions, and, where a target is given, at its tables, its extensions and what its login may do. For Wal
/// it looks at archiving, at the rights to fence the source, and, run on the new server's machine, at the programs, extensions and locales there.</para>
/// <para>It changes nothing, and reads no rows but for the lengths of large values, of large tables in a sample. It asks as the logins that it is given:
/// give those that will do the work, and with -SourceForDms the one that DMS is to have. Nothing is written when nothing was found. A finding whose severity is Blocker must be mended first;
/// New-MigrationGate -Readiness has a cutover heed that.</para>
/// </remarks>
/// <example>
/// <code>Test-MigrationReadiness service=own service=aurora -For Dms -SourceForDms service=own-dms | Format-List</code>
/// <para>Everything that stands between an own server and Aurora, the gravest first.</para>
/// </example>
/// <example>
/// <code>$blockers = @(Test-MigrationReadiness $env:DATABASE_URL -For Wal | Where-Object Severity -EQ Blocker)
/// if ($blockers) { throw "$($blockers.Count) blockers: $($blockers.Subject -join ', ')" }</code>
/// <para>In a script: collect first, then decide.</para>
/// </example>
/// <example>
/// <code>(Test-MigrationReadiness service=own service=aurora -For Dms).Where{ $_.Name -eq 'UnboundedNumeric' }.Subject</code>
/// <para>The columns of one kind of finding.</para>
/// </example>
[Cmdlet(VerbsDiagnostic.Test, "MigrationReadiness")]
[OutputType(typeof(ReadinessFinding))]
public sealed class TestMigrationReadinessCommand : MigrationCmdlet
{
    private readonly ReadinessOptions _usual = new();

    /// <summary>The server that the app leaves, as the login that migrates it.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [PgServerTransformation]
    public PgServer? Source { get; set; }

    /// <summary>The server that it goes to; for Wal the restored standby. Without it only the source is looked at, and for Wal this machine.</summary>
    [Parameter(Position = 1)]
    [PgServerTransformation]
    public PgServer? Target { get; set; }

    /// <summary>How the data get to the target: Dms or Wal.</summary>
    [Parameter(Mandatory = true)]
    public MigrationWay For { get; set; }

    /// <summary>The source as DMS will reach it: the rights of its login there are looked at. Nothing connects with it, so it needs no password. By default -Source.</summary>
    [Parameter]
    [PgServerTransformation]
    public PgServer? SourceForDms { get; set; }

    /// <summary>How long the large values of one table may take to measure; 0 measures none. Bare numbers are seconds; 10 by default.</summary>
    [Parameter]
    [DurationTransformation]
    public TimeSpan? MeasureFor { get; set; }

    /// <summary>How much of a table is looked at for that, at most: 256MB by default.</summary>
    [Parameter]
    [ByteSizeTransformation]
    [ValidateRange(1L << 20, 1L << 50)]
    public long? Sample { get; set; }

    /// <summary>The folder of this machine's PostgreSQL programs that a restore would use; the usual places when nothing is said.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? PostgresBin { get; set; }

    /// <inheritdoc/>
    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        var options = _usual with
        {
            Way = For,
            DmsLogin = SourceForDms?.User,
            MeasureFor = MeasureFor ?? _usual.MeasureFor,
            MeasuresLargeValues = MeasureFor != TimeSpan.Zero,
            SampleBytes = Sample ?? _usual.SampleBytes,
            PostgresBin = PostgresBin is null ? null : ResolvePath(PostgresBin),
        };
        foreach (var finding in await Readiness.ReadAsync(Source!, Target, options, Observer, cancel))
        {
            Write(finding);
        }
    }
}

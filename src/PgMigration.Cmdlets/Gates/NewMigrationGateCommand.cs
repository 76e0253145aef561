using System.Collections;
using System.Globalization;
using System.Management.Automation;
using System.Net;
using System.Security;

namespace PgMigration.Cmdlets;

/// <summary>Makes a gate: a check that must hold before a cutover begins, such as an error tracker that is up.</summary>
/// <remarks>
/// Whatever is late, out of reach or not understood is a no. Nothing is asked yet: Test-MigrationGate asks, Wait-MigrationGate waits, and
/// Invoke-Cutover -Gate heeds. A script block runs in a session of its own, which does not see the caller's variables and functions: what
/// it needs is passed with -ArgumentList, and one that uses what is not there is refused here.
/// </remarks>
/// <example>
/// <code>$gate = New-MigrationGate -StatusPage https://status.sentry.io -Component 'US Errors' -Name 'error tracker'</code>
/// <para>Holds while that component of the status page is operational; without -Component the page as a whole must be.</para>
/// </example>
/// <example>
/// <code>$gate = New-MigrationGate -Http 'https://metrics.example.com/api/v1/query?query=error_rate' -Header @{ Authorization = $token } -JsonPath '$.data.result[0].value[1]' -Below 0.01 -ConsecutivePasses 3 -Interval 10s -Name 'error rate'</code>
/// <para>Holds when three looks in a row, ten seconds apart, find an error rate below one percent. $token may be a SecureString.</para>
/// </example>
/// <example>
/// <code>$gate = New-MigrationGate -Query "select count(*) from jobs where state = 'running'" -Server $env:DATABASE_URL -Below 1 -Name 'no jobs run'</code>
/// <para>Holds while the query on the server answers a number below 1; without bounds it must answer true.</para>
/// </example>
/// <example>
/// <code>$gate = New-MigrationGate -ScriptBlock { param($from) (Get-Date).Hour -ge $from } -ArgumentList 22 -Name 'after ten'</code>
/// <para>Holds while the block writes $true, and nothing else.</para>
/// </example>
/// <example>
/// <code>$gate = New-MigrationGate -Readiness Dms -Source service=own -Target service=aurora</code>
/// <para>Holds while Test-MigrationReadiness finds no blocker; large values are not measured again.</para>
/// </example>
[Cmdlet(VerbsCommon.New, "MigrationGate", DefaultParameterSetName = "StatusPage")]
[OutputType(typeof(MigrationGate))]
public sealed class NewMigrationGateCommand : MigrationCmdlet
{
    /// <summary>A status page in Statuspage's format, such as https://status.sentry.io.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "StatusPage")]
    public Uri? StatusPage { get; set; }

    /// <summary>Components of the page by name: each must be operational. Without it the indicator of the whole page must be "none".</summary>
    [Parameter(ParameterSetName = "StatusPage")]
    [ValidateNotNullOrEmpty]
    public string[] Component { get; set; } = [];

    /// <summary>An address to get: a health check, a metric. Its query is never shown.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Http")]
    public Uri? Http { get; set; }

    /// <summary>Headers to send, such as @{ Authorization = "Bearer …" }; values may be SecureStrings. Never shown, and sent to that address only: no redirect is followed.</summary>
    [Parameter(ParameterSetName = "Http")]
    public IDictionary Header { get; set; } = new Hashtable();

    /// <summary>The HTTP status that must come back; by default any from 200 to 299.</summary>
    [Parameter(ParameterSetName = "Http")]
    [ValidateRange(100, 599)]
    public int? StatusCode { get; set; }

    /// <summary>Where in a JSON answer the value is, such as $.data[0].rate. Put it in single quotes.</summary>
    [Parameter(ParameterSetName = "Http")]
    public string? JsonPath { get; set; }

    /// <summary>A query that returns one row of one column. It runs in a read-only transaction.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Query")]
    public string? Query { get; set; }

    /// <summary>The server to ask.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Query")]
    [PgServerTransformation]
    public PgServer? Server { get; set; }

    /// <summary>A block that writes $true, or one number for -Below and -Above. It may throw for a no.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "ScriptBlock")]
    public ScriptBlock? ScriptBlock { get; set; }

    /// <summary>Arguments for the block, which sees no variable of yours.</summary>
    [Parameter(ParameterSetName = "ScriptBlock")]
    public object[] ArgumentList { get; set; } = [];

    /// <summary>How the data get to the target: Dms or Wal. No finding of Test-MigrationReadiness may be a blocker.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Readiness")]
    public MigrationWay Readiness { get; set; }

    /// <summary>The server that the app leaves.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Readiness")]
    [PgServerTransformation]
    public PgServer? Source { get; set; }

    /// <summary>The server that it goes to.</summary>
    [Parameter(ParameterSetName = "Readiness")]
    [PgServerTransformation]
    public PgServer? Target { get; set; }

    /// <summary>The value must be this, compared as text ("true" for a boolean).</summary>
    [Parameter(ParameterSetName = "Http")]
    [Parameter(ParameterSetName = "Query")]
    [Parameter(ParameterSetName = "ScriptBlock")]
    public string? Expected { get; set; }

    /// <summary>The value must be a number smaller than this.</summary>
    [Parameter(ParameterSetName = "Http")]
    [Parameter(ParameterSetName = "Query")]
    [Parameter(ParameterSetName = "ScriptBlock")]
    public double? Below { get; set; }

    /// <summary>The value must be a number larger than this.</summary>
    [Parameter(ParameterSetName = "Http")]
    [Parameter(ParameterSetName = "Query")]
    [Parameter(ParameterSetName = "ScriptBlock")]
    public double? Above { get; set; }

    /// <summary>What to call the gate in messages; by default what it asks.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Name { get; set; }

    /// <summary>How long one look may take before it is a no. Bare numbers are seconds; 10 by default, 60 for -Readiness.</summary>
    [Parameter]
    [DurationTransformation]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How many looks in a row must pass; 1 by default.</summary>
    [Parameter]
    [ValidateRange(1, 1000)]
    public int ConsecutivePasses { get; set; } = 1;

    /// <summary>The time between those looks. Bare numbers are seconds; 5 by default.</summary>
    [Parameter]
    [DurationTransformation]
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    protected override Task ProcessAsync(CancellationToken cancel)
    {
        Write(Make(new GateExpectation(Below, Above, Expected)));
        return Task.CompletedTask;
    }

    private MigrationGate Make(GateExpectation expectation) => ParameterSetName switch
    {
        "StatusPage" => new StatusPageGate(StatusPage!, Component) { Name = Name ?? (Component.Length == 0 ? StatusPage!.OriginalString : string.Join(", ", Component)), Timeout = Timeout, ConsecutivePasses = ConsecutivePasses, Interval = Interval },
        "Http" => new HttpGate(Http!, Header.Cast<DictionaryEntry>().Select(Plain), JsonPath is null ? null : PgMigration.JsonPath.Parse(JsonPath), expectation)
        {
            Name = Name ?? Http!.Host, StatusCode = StatusCode, Timeout = Timeout, ConsecutivePasses = ConsecutivePasses, Interval = Interval,
        },
        "Query" => new QueryGate(Server!, Query!, expectation) { Name = Name ?? Query!, Timeout = Timeout, ConsecutivePasses = ConsecutivePasses, Interval = Interval },
        "Readiness" => new ReadinessGate(Source!, Target, new ReadinessOptions { Way = Readiness })
        {
            Name = Name ?? $"readiness for {Readiness}", Timeout = MyInvocation.BoundParameters.ContainsKey(nameof(Timeout)) ? Timeout : TimeSpan.FromSeconds(60), ConsecutivePasses = ConsecutivePasses, Interval = Interval,
        },
        _ => new ScriptBlockGate(ScriptBlock!, ArgumentList, expectation) { Name = Name ?? GateTransformationAttribute.NameOf(ScriptBlock!), Timeout = Timeout, ConsecutivePasses = ConsecutivePasses, Interval = Interval },
    };

    private static KeyValuePair<string, string> Plain(DictionaryEntry header)
    {
        object? value = header.Value is PSObject wrapped ? wrapped.BaseObject : header.Value;
        return new(Convert.ToString(header.Key, CultureInfo.InvariantCulture)!, value switch
        {
            SecureString secret => new NetworkCredential(string.Empty, secret).Password,
            PSCredential credential => credential.GetNetworkCredential().Password,
            _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? string.Empty,
        });
    }
}

using System.Management.Automation;
using System.Net.Sockets;
using Npgsql;

namespace PgMigration.Cmdlets;

/// <summary>Fails in the way it is told, deep in asynchronous work.</summary>
[Cmdlet(VerbsDiagnostic.Test, "Failure")]
public sealed class TestFailureCommand : MigrationCmdlet
{
    /// <summary>A MigrationErrorKind, or the name of one of the exceptions below.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    public required string Way { get; set; }

    /// <summary>Report it and go on.</summary>
    [Parameter]
    public SwitchParameter GoOn { get; set; }

    protected override async Task ProcessAsync(CancellationToken cancel)
    {
        await Task.Yield();
        Exception failure = Enum.TryParse<MigrationErrorKind>(Way, out var kind)
            ? new MigrationException("TestFailed", kind, $"It failed as {kind}.")
            : Way switch
            {
                "DiskFull" => new IOException("No space left on device", 28),
                "Missing" => new FileNotFoundException("It is not there."),
                "Socket" => new SocketException(111),
                "Login" => new PostgresException("password authentication failed", "FATAL", "FATAL", "28P01"),
                "Right" => new PostgresException("permission denied for table t", "ERROR", "ERROR", "42501"),
                "Npgsql" => new NpgsqlException("Failed to connect", new SocketException(111)),
                "Secret" => new FormatException("cannot read postgres://app:hunter2@db/app and password=hunter2;", new FormatException("inside: pwd = 'hunter 2'")),
                ['T', 'e', 'x', 't', ' ', .. var text] => new FormatException(text),
                _ => new TimeoutException("It took too long."),
            };
        if (!GoOn)
        {
            throw new AggregateException(failure);
        }

        WriteFailure(failure, "the target");
        Write("went on");
    }
}

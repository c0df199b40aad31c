# Makes a company's books and their user with SQL-Ledger's own code, in its folder: the arguments
# are the folder of PostgreSQL's socket and its user.
use lib '.';
use DBI;
require "./sql-ledger.conf";
use SL::Form;
use SL::User;

my ($socket, $role) = splice @ARGV, 0, 2;
my %database = (dbdriver => 'Pg', dbhost => $socket, dbport => '', dbuser => $role, dbpasswd => '', dateformat => 'mm/dd/yy', company => 'The Bank');

open my $members, '>', 'users/members' or die $!;
print $members "[root login]\npassword=\n\n";
close $members;

my $form = new Form;
my $user = new User 'users/members';
%$form = (%$form, %database, dbdefault => 'postgres', db => 'books', encoding => 'UTF8', chart => 'US_General');
$user->dbcreate($form);

%$user = (
	%$user, %database, login => 'zoe@books', password => 's3same', dbname => 'books', packpw => 1, numberformat => '1,000.00',
	timeout => 86400, vclimit => 1000, menuwidth => 155, charset => 'UTF8', name => 'Zoe', templates => 'books',
);
$user->save_member('users/members', 'users');
